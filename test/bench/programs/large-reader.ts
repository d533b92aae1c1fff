// A client that counts the bytes of its answers and looks at none of them: `large-reader.ts http <url>`, or
// `large-reader.ts stdio <program> <arguments>`.
import { type ChildProcess, spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { answerQuestions } from '../program.ts';
import { timed } from './timed.ts';

/** Sends a message, and yields the length of the answer in bytes. */
type Ask = (text: string) => Promise<number>;

interface Way {
  readonly ask: Ask;
  readonly tell: Ask;
}

function overHttp(url: string): Way {
  const agent = new Agent({ keepAlive: true });
  let sessionId: string | undefined;
  const ask = (text: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        ...(sessionId !== undefined && { 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' }),
      };
      const post = request(url, { agent, method: 'POST', headers }, (response) => {
        let length = 0;
        sessionId ??= response.headers['mcp-session-id']?.toString();
        response.on('data', (chunk: Uint8Array) => {
          length += chunk.length;
        });
        response.once('end', () => resolve(length)).once('error', reject);
      });
      post.once('error', reject);
      post.end(text);
    });
  return { ask, tell: ask };
}

let child: ChildProcess | undefined;

function overStdio(command: string, args: readonly string[]): Way {
  child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  let length = 0;
  let answered: (length: number) => void = () => {};
  child.stdout?.on('data', (chunk: Uint8Array) => {
    length += chunk.length;
    if (chunk.at(-1) !== 0x0a) return;
    answered(length);
    length = 0;
  });
  const tell = async (text: string) => {
    child?.stdin?.write(`${text}\n`);
    return 0;
  };
  const ask = (text: string) =>
    new Promise<number>((resolve) => {
      answered = resolve;
      void tell(text);
    });
  return { ask, tell };
}

const [kind, first = '', ...args] = process.argv.slice(2);
const way = kind === 'http' ? overHttp(first) : overStdio(first, args);
let asked = 0;

const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'reader', version: '1.0.0' },
};
await way.ask(JSON.stringify({ jsonrpc: '2.0', id: ++asked, method: 'initialize', params: initialize }));
await way.tell('{"jsonrpc":"2.0","method":"notifications/initialized"}');
process.once('exit', () => child?.kill());

const handlers = {
  large: ({
    bytes,
    count,
    form,
  }: {
    readonly bytes: number;
    readonly count: number;
    readonly form: string;
  }) =>
    timed({ count, inFlight: 1 }, async () => {
      const params = { name: form, arguments: { bytes } };
      const length = await way.ask(
        JSON.stringify({ jsonrpc: '2.0', id: ++asked, method: 'tools/call', params }),
      );
      if (length < bytes * 0.8) throw new Error(`an answer of ${length} bytes in place of ${bytes}`);
    }),
};

export type LargeReader = typeof handlers;
answerQuestions(handlers);
