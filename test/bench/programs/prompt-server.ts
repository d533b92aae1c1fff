// A server that answers every call at once, in the shape in which the SDK's server does, and knows no session: what
// is left to be measured is the client.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerQuestions } from '../program.ts';
import { listening } from './listening.ts';

interface Asked {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly arguments?: { readonly text: string }; readonly protocolVersion?: string };
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

function answer({ headers }: IncomingMessage, response: ServerResponse, { id, method, params }: Asked): void {
  if (id === undefined) return void response.writeHead(202).end();
  const sessionId = headers['mcp-session-id'] ?? randomUUID();
  response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': sessionId });
  const message = { jsonrpc: '2.0', id, result: resultOf(method, params) };
  response.end(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
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
