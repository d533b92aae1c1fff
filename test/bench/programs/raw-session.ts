import { Agent, request } from 'node:http';
import { Pool } from 'undici';

/** One POST and the whole of its answer. */
type Post = (url: URL, headers: Record<string, string>, body: string) => Promise<Answer>;

interface Answer {
  readonly status: number;
  readonly sessionId: string | undefined;
  readonly text: string;
}

/** By `node:http`, with connections that are kept. */
export function byAgent(): Post {
  const agent = new Agent({ keepAlive: true });
  return (url, headers, body) =>
    new Promise((resolve, reject) => {
      const length = { 'content-length': Buffer.byteLength(body) };
      const post = request(url, { agent, method: 'POST', headers: { ...headers, ...length } }, (response) => {
        const { statusCode: status = 0 } = response;
        const sessionId = response.headers['mcp-session-id']?.toString();
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve({ status, sessionId, text }));
        response.once('error', reject);
      });
      post.once('error', reject);
      post.end(body);
    });
}

/** By a pool of undici, which is what `fetch` stands on. */
export function byPool(): Post {
  const pools = new Map<string, Pool>();
  return async ({ origin, pathname: path }, headers, body) => {
    const pool = pools.get(origin) ?? new Pool(origin, { connections: 64, pipelining: 1 });
    pools.set(origin, pool);
    const response = await pool.request({ path, method: 'POST', headers, body });
    const sessionId = response.headers['mcp-session-id']?.toString();
    return { status: response.statusCode, sessionId, text: await response.body.text() };
  };
}

/** By the platform's own `fetch`. */
export function byFetch(): Post {
  return async (url, headers, body) => {
    const response = await fetch(url, { method: 'POST', headers, body });
    const sessionId = response.headers.get('mcp-session-id') ?? undefined;
    return { status: response.status, sessionId, text: await response.text() };
  };
}

/** The least that a client of MCP can do: no SDK, no validation, nothing kept but the session id. */
export class RawSession {
  readonly #post: Post;
  readonly #url: URL;
  readonly sessionId: string;
  #id = 0;

  constructor(post: Post, url: string, sessionId: string) {
    this.#post = post;
    this.#url = new URL(url);
    this.sessionId = sessionId;
  }

  /** The handshake: `initialize` and `notifications/initialized`. */
  static async open(post: Post, url: string): Promise<RawSession> {
    const params = {
      protocolVersion: PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'raw', version: '1.0.0' },
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const { status, sessionId } = await post(new URL(url), headers, body);
    if (sessionId === undefined) throw new Error(`initialize was answered ${status} without a session id`);
    const session = new RawSession(post, url, sessionId);
    await session.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return session;
  }

  /** Calls the echo tool, and looks whether it was that. */
  async call(text: string): Promise<void> {
    const params = { name: 'echo', arguments: { text } };
    const answer = await this.#send({ jsonrpc: '2.0', id: ++this.#id, method: 'tools/call', params });
    const { result } = messageIn(answer.text) as { result?: { content?: { text?: string }[] } };
    if (result?.content?.[0]?.text !== text) throw new Error(`${answer.status}: ${answer.text}`);
  }

  #send(message: object): Promise<Answer> {
    const session = { 'mcp-session-id': this.sessionId, 'mcp-protocol-version': PROTOCOL_VERSION };
    return this.#post(this.#url, { ...headers, ...session }, JSON.stringify(message));
  }
}

const PROTOCOL_VERSION = '2025-11-25';

const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

/** The message of an event stream that holds one, or of a body that is one. */
function messageIn(text: string): unknown {
  if (text.startsWith('{')) return JSON.parse(text);
  const line = text.split('\n').findLast((each) => each.startsWith('data: {')) ?? 'data: {}';
  return JSON.parse(line.slice('data: '.length));
}
