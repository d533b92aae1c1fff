// A server whose answers are large: `large-server.ts`. The tool names the form, its argument the size.
import { answerQuestions } from '../program.ts';
import { listening } from './listening.ts';

interface Asked {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly bytes?: number } };
}

const results = new Map<number, string>();

/** A result of about so many bytes of JSON: rows of a table, as text and as structured content. */
function resultOf(bytes: number): string {
  const known = results.get(bytes);
  if (known !== undefined) return known;
  const row = (id: number) => ({
    id,
    name: `name of ${id}`,
    value: id * 1.5,
    tags: ['one', 'two'],
    note: 'a\n"b"',
  });
  const half = Math.round(bytes / 2 / JSON.stringify(row(100_000)).length);
  const rows = Array.from({ length: half }, (_, index) => row(index));
  const text = 'a line of words, and "another"\n'.repeat(Math.round(bytes / 2 / 34));
  const result = JSON.stringify({ content: [{ type: 'text', text }], structuredContent: { rows } });
  results.set(bytes, result);
  return result;
}

const greeting = JSON.stringify({
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'large', version: '1.0.0' },
});

const url = await listening((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (part: string) => {
    body += part;
  });
  request.once('end', () => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const { id, method, params } = JSON.parse(body) as Asked;
    if (id === undefined) return response.writeHead(202).end();
    const result = method === 'initialize' ? greeting : resultOf(params?.arguments?.bytes ?? 0);
    const text = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
    const isStream = params?.name === 'stream';
    const type = isStream ? 'text/event-stream' : 'application/json';
    response.writeHead(200, { 'content-type': type, 'mcp-session-id': 'one' });
    return response.end(isStream ? `data: ${text}\n\n` : text);
  });
});

const handlers = { url: () => url };

export type LargeServer = typeof handlers;
answerQuestions(handlers);
