import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { front } from '../../src/cli/serve/front.ts';
import { NothingServes } from '../../src/cli/serve/supervisor.ts';
import { opened } from '../gateway/gateways.ts';
import { served } from '../server/served.ts';

/** A listener of this project, and what a client of it sends that is let in. */
export interface Door extends AsyncDisposable {
  readonly port: number;
  readonly path: string;
  readonly authorization: readonly string[];
}

async function gateway(withoutToken: boolean): Promise<Door> {
  const it = await opened('http://127.0.0.1:9/mcp', { withoutToken });
  return {
    port: Number(new URL(it.url).port),
    path: '/one/mcp',
    authorization: withoutToken ? [] : [`Authorization: ${it.authorization.authorization}`],
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  };
}

async function companion(): Promise<Door> {
  const it = await served();
  return {
    port: it.port,
    path: '/mcp',
    authorization: [],
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  };
}

/** The front alone: whoever it lets in meets nobody, and is told 503. */
async function frontOfServe(): Promise<Door> {
  const server = front({
    path: '/mcp',
    allowedHosts: ['localhost', '127.0.0.1', '[::1]'],
    next: async () => {
      throw new NothingServes('nobody is here');
    },
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    path: '/mcp',
    authorization: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Everything of this project that listens for strangers. */
export const doors: Readonly<Record<string, () => Promise<Door>>> = {
  'the gateway': () => gateway(false),
  'the gateway without a token': () => gateway(true),
  'the companion': companion,
  'the front of serve': frontOfServe,
};

/** The head of a request that is let in, but for what is given in place of it. */
export function head(
  { port, path, authorization }: Door,
  { first = `POST ${path} HTTP/1.1`, host = `127.0.0.1:${port}`, more = [] as readonly string[] } = {},
): string {
  const usual = ['Content-Type: application/json', 'Accept: application/json, text/event-stream'];
  return [first, `Host: ${host}`, ...authorization, ...usual, ...more].join('\r\n');
}

/**
 * What is answered until the connection is closed by the other side, or, where `first` is all that is asked for, until there
 * is the head of an answer.
 */
export async function answerTo({ port }: Door, text: string, { first = false } = {}): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  // A reset is an answer too.
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
    if (first && answer.includes('\r\n\r\n')) socket.destroy();
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text, 'latin1');
  await closed;
  return answer;
}

/** The statuses of all answers in it. */
export function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status));
}
