// One client in a process of its own: `caller.ts <kind> <url>`, or `caller.ts stdio <program> <arguments>`.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { ResilientTransport } from '../../../src/client/index.ts';
import { plainClient, textOf } from '../../support/sdk-client.ts';
import { answerQuestions } from '../program.ts';
import { byAgent, byFetch, byPool, RawSession } from './raw-session.ts';
import { type Load, timed, timeOf } from './timed.ts';

/** A client with a session, and what it does when that is lost: the time it takes counts up to its call's answer. */
interface Caller {
  call(text: string): Promise<void>;
  recover(text: string): Promise<void>;
  /** Has the server send so many messages before its answer, and counts those that came. */
  stream?(count: number): Promise<number>;
}

/** The SDK's client over its own transport. When its session is lost, a new client has to be connected. */
async function sdk(url: string): Promise<Caller> {
  let plain = await plainClient(url);
  const call = async (text: string) => check(text, await plain.call('echo', { text }));
  return {
    call,
    stream: (count) => streamed(plain.client, count),
    async recover(text) {
      const old = plain;
      plain = await plainClient(url);
      await call(text);
      void old.client.close();
    },
  };
}

/** The same client over this project's transport. */
async function resilient(url: string): Promise<Caller> {
  // So many losses in a row are no server's misbehaviour here.
  const recovery = { budget: Number.MAX_SAFE_INTEGER };
  const client = new Client({ name: 'resilient', version: '1.0.0' });
  await client.connect(new ResilientTransport(url, { recovery }));
  const call = async (text: string) =>
    check(text, textOf(await client.callTool({ name: 'echo', arguments: { text } })));
  return { call, recover: call, stream: (count) => streamed(client, count) };
}

/** The same client over no network: what is answered in memory, by nothing. What is left is the client itself. */
async function memory(): Promise<Caller> {
  const [transport, server] = InMemoryTransport.createLinkedPair();
  server.onmessage = (message) => {
    if ('id' in message && 'method' in message) void server.send(answered(message));
  };
  await server.start();
  const client = new Client({ name: 'memory', version: '1.0.0' });
  await client.connect(transport);
  const call = async (text: string) =>
    check(text, textOf(await client.callTool({ name: 'echo', arguments: { text } })));
  return { call, recover: call };
}

function answered({ id, method, params }: JSONRPCRequest): JSONRPCMessage {
  const { protocolVersion, arguments: given } = params as {
    protocolVersion?: string;
    arguments?: { text: string };
  };
  const result =
    method === 'initialize'
      ? { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'memory', version: '1.0.0' } }
      : { content: [{ type: 'text', text: given?.text }] };
  return { jsonrpc: '2.0', id, result };
}

async function streamed(client: Client, count: number): Promise<number> {
  let came = 0;
  client.fallbackNotificationHandler = async () => {
    came++;
  };
  await client.callTool({ name: 'stream', arguments: { text: String(count) } });
  return came;
}

/** The SDK's client of a program that speaks MCP on its standard input and output. */
async function stdio(command: string, ...args: readonly string[]): Promise<Caller> {
  const client = new Client({ name: 'stdio', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ command, args: [...args], stderr: 'ignore' }));
  const call = async (text: string) =>
    check(text, textOf(await client.callTool({ name: 'echo', arguments: { text } })));
  return { call, recover: call };
}

async function raw(url: string, post: ReturnType<typeof byAgent>): Promise<Caller> {
  let session = await RawSession.open(post, url);
  return {
    call: (text) => session.call(text),
    async recover(text) {
      session = await RawSession.open(post, url);
      await session.call(text);
    },
  };
}

function check(sent: string, received: string): void {
  if (received !== sent) throw new Error(`"${sent}" was answered with "${received}"`);
}

const kinds = {
  sdk,
  resilient,
  memory,
  agent: (url: string) => raw(url, byAgent()),
  fetch: (url: string) => raw(url, byFetch()),
  pool: (url: string) => raw(url, byPool()),
  stdio,
};

export type CallerKind = keyof typeof kinds;

const [kind, url = '', ...args] = process.argv.slice(2);
const caller = await kinds[kind as CallerKind](url, ...args);

const handlers = {
  calls: (load: Load) => timed(load, (index) => caller.call(`call ${index}`)),
  /** The time from the call that meets the loss to its answer, in ms. */
  recover: () => timeOf(() => caller.recover('after the loss')),
  /** Calls whose text, and so whose answer, has this many bytes. */
  sized({ bytes, ...load }: Load & { readonly bytes: number }) {
    const text = 'x'.repeat(bytes);
    return timed(load, () => caller.call(text));
  },
  /** The time for each message of one event stream, in µs. */
  async stream(count: number) {
    let came = 0;
    const ms = await timeOf(async () => {
      came = (await caller.stream?.(count)) ?? 0;
    });
    if (came !== count) throw new Error(`${came} of ${count} messages came`);
    return (ms * 1000) / count;
  },
  /** Resident memory of this process, in MiB. */
  memory: () => process.memoryUsage.rss() / 2 ** 20,
};

export type CallerProgram = typeof handlers;
answerQuestions(handlers);
