// A server that answers every call at once, in the shape in which the SDK's server does, and knows no session: what
// is left to be measured is the client. The tool "stream" writes as many messages as its text says before its answer.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerQuestions } from '../program.ts';
import { listening } from './listening.ts';

interface Asked {
  readonly id?: number;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly text: string };
    readonly protocolVersion?: string;
  };
}

const url = await listening((request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    text += chunk;
  });
  request.once('end', () => answer(request, response, JSON.parse(text)));
});

async function answer({ headers }: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
  const { id, method, params } = asked;
  if (id === undefined) return void response.writeHead(202).end();
  const sessionId = headers['mcp-session-id'] ?? randomUUID();
  response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': sessionId });
  if (params?.name === 'stream') await stream(response, Number(params.arguments?.text));
  const message = { jsonrpc: '2.0', id, result: resultOf(method, params) };
  response.end(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
}

const logged = {
  jsonrpc: '2.0',
  method: 'notifications/message',
  params: { level: 'info', data: 'a line of a log' },
};
const event = `event: message\ndata: ${JSON.stringify(logged)}\n\n`;

async function stream(response: ServerResponse, count: number): Promise<void> {
  for (let written = 0; written < count; written++) {
    if (!response.write(event)) await once(response, 'drain');
  }
}

function resultOf(method: string, params: Asked['params']): object {
  if (method === 'tools/call') return { content: [{ type: 'text', text: params?.arguments?.text }] };
  if (method !== 'initialize') return {};
  const { protocolVersion } = params ?? {};
  return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'prompt', version: '1.0.0' } };
}

const handlers = { url: () => url };

export type PromptServer = typeof handlers;
answerQuestions(handlers);
