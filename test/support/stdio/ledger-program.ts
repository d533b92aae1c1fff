// An MCP server on standard input and output, for tests: its tools do what their names say, and every run is a line of
// the file LEDGER, so that what ran is known however the process ended. It tells what it is at on standard error. A file
// beside the ledger, with ".tools" after its name, names further tools, with commas between.
//
//   LEDGER     the file
//   STUBBORN   "eof": it goes on when its input ends; "term": and when it is told to end
//   IDS        "text": it answers a numeric id by its text
//   CHILD      "1": it starts a process that does nothing, for ever
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly uri?: string;
    readonly level?: string;
    readonly requestId?: number | string;
    readonly arguments?: { readonly key?: string };
    readonly _meta?: { readonly progressToken?: string | number };
  };
  readonly result?: unknown;
  readonly error?: unknown;
}

const { LEDGER = '', STUBBORN = '', CHILD, IDS } = process.env;
const furtherTools = existsSync(`${LEDGER}.tools`) ? readFileSync(`${LEDGER}.tools`, 'utf8').split(',') : [];

const hints: Readonly<Record<string, object>> = {
  count: {},
  peek: { readOnlyHint: true },
  put: { idempotentHint: true },
};
/** Tools that never answer, and what they do instead. */
const ends: Readonly<Record<string, () => void>> = {
  hang: () => {},
  hangPeek: () => {},
  exit: () => process.exit(3),
  exitPeek: () => process.exit(3),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  endless: () => {
    for (;;) writeSync(1, 'x'.repeat(1000));
  },
  mute: () => {
    isMute = true;
    closeSync(1);
  },
};
let isMute = false;
const names = [
  ...Object.keys(hints),
  ...Object.keys(ends),
  'ask',
  'askMuch',
  'large',
  'largePeek',
  'raw',
  'garbage',
  ...furtherTools,
];

function note(line: string): void {
  writeSync(2, `${line}\n`);
}

function send(message: { readonly id?: unknown } & Readonly<Record<string, unknown>>): void {
  if (isMute) return;
  const id = IDS === 'text' && typeof message.id === 'number' ? { id: String(message.id) } : {};
  writeSync(1, `${JSON.stringify({ jsonrpc: '2.0', ...message, ...id })}\n`);
}

function text(value: string): object {
  return { content: [{ type: 'text', text: value }] };
}

const tools = names.map((name) => ({
  name,
  inputSchema: { type: 'object' },
  annotations: name.endsWith('Peek') ? { readOnlyHint: true } : (hints[name] ?? {}),
}));

function call({ id, params }: Message): void {
  const { name = '', arguments: args, _meta } = params ?? {};
  const key = args?.key ?? '';
  appendFileSync(LEDGER, `${name} ${key.slice(0, 20)}\n`);
  note(`running ${name} ${key.slice(0, 20)}`);
  const progressToken = _meta?.progressToken;
  if (progressToken !== undefined) {
    send({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
  }
  if (name === 'ask' || name === 'askMuch') {
    // Its answer is the answer of the client.
    questions.set(`q${id}`, id);
    const params = name === 'ask' ? {} : { params: { much: 'x'.repeat(Number(key)) } };
    send({ id: `q${id}`, method: 'roots/list', ...params });
  } else if (name.startsWith('large')) send({ id, result: text('x'.repeat(Number(key))) });
  // Its key is what stands beside the id in its answer.
  else if (name === 'raw') writeSync(1, `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${key}}\n`);
  else if (name === 'garbage') {
    writeSync(1, 'listening on port 3000\n{"not": "a message"}\n\n');
    send({ id, result: text('ran') });
  } else if (ends[name]) ends[name]();
  else send({ id, result: text(`ran ${key.slice(0, 20)}`) });
}

const questions = new Map<unknown, unknown>();

const answers: Readonly<Record<string, (message: Message) => void>> = {
  initialize: ({ id }) => {
    const capabilities = { tools: { listChanged: true }, logging: {}, resources: { subscribe: true } };
    const serverInfo = { name: 'ledger', version: '1.0.0' };
    send({ id, result: { protocolVersion: '2025-11-25', capabilities, serverInfo } });
  },
  ping: ({ id }) => send({ id, result: {} }),
  'tools/list': ({ id }) => send({ id, result: { tools } }),
  'tools/call': call,
  'logging/setLevel': ({ id, params }) => {
    note(`level ${params?.level}`);
    send({ id, result: {} });
  },
  'resources/subscribe': ({ id, params }) => {
    note(`subscribed ${params?.uri}`);
    send({ id, result: {} });
  },
  'notifications/initialized': () => note(`initialized ${process.pid}`),
  'notifications/cancelled': ({ params }) => note(`cancelled ${params?.requestId}`),
};

function hear(line: string): void {
  const message: Message = JSON.parse(line);
  if (message.method === undefined) {
    send({ id: questions.get(message.id), result: text(JSON.stringify(message.result ?? message.error)) });
    return;
  }
  const answer = answers[message.method];
  if (answer) answer(message);
  else if (message.id !== undefined) {
    send({ id: message.id, error: { code: -32601, message: 'Method not found' } });
  }
}

appendFileSync(LEDGER, `started ${process.pid}\n`);
if (CHILD) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
  appendFileSync(LEDGER, `child ${child.pid}\n`);
}
process.on('SIGTERM', () => {
  appendFileSync(LEDGER, 'told to end\n');
  if (STUBBORN !== 'term') process.exit(0);
});
const lines = createInterface({ input: process.stdin, terminal: false });
lines.on('line', hear);
lines.once('close', () => {
  appendFileSync(LEDGER, 'input ended\n');
  if (STUBBORN === '') process.exit(0);
  setInterval(() => {}, 1000);
});
