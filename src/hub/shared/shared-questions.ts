import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { BoundedMap } from '../../base/bounded-map.ts';
import { knownId, type Request, type Response } from '../../protocol/message.ts';
import type { SharedClient } from './shared-client.ts';

/** Questions that are remembered; beyond that the oldest is forgotten, and with it the answer to it. */
const MAX_QUESTIONS = 1000;
const METHOD_NOT_FOUND = -32601;
const CLIENT_GONE = -32000;

/** What a client has to have said in its `initialize` for a question to be put to it. */
const NEEDED: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** The server's questions to the clients of a shared session, and to whom each was put. */
export class SharedQuestions {
  readonly #asked = new BoundedMap<RequestId, SharedClient>(MAX_QUESTIONS);

  /** The first candidate who can answer, or the answer when there is none: a server must not wait for nobody. */
  ask({ id, method }: Request, candidates: readonly SharedClient[]): SharedClient | Response {
    if (method === 'ping') return { jsonrpc: '2.0', id, result: {} };
    const needed = NEEDED[method] ?? (method.startsWith('tasks/') ? 'tasks' : undefined);
    const client = candidates.find(
      ({ capabilities }) => needed === undefined || capabilities[needed] !== undefined,
    );
    if (!client) {
      const message = `No client that shares this session can answer ${method}.`;
      return { jsonrpc: '2.0', id, error: { code: METHOD_NOT_FOUND, message } };
    }
    this.#asked.set(id, client);
    return client;
  }

  /** Whether an answer is that of the client who was asked. It is given once. */
  answers(client: SharedClient, response: Response): boolean {
    const id = knownId(response.id, this.#asked);
    return this.#asked.get(id) === client && this.#asked.delete(id);
  }

  /** Who was asked what the server takes back. */
  withdrawn(given: unknown): SharedClient[] {
    const id = knownId(given, this.#asked);
    const client = this.#asked.get(id);
    this.#asked.delete(id);
    return client ? [client] : [];
  }

  /** Forgets a client. @returns the answers to what it has left open */
  forget(client: SharedClient): Response[] {
    const left = [...this.#asked].filter(([, asked]) => asked === client).map(([id]) => id);
    for (const id of left) this.#asked.delete(id);
    const error = { code: CLIENT_GONE, message: 'The client that was asked has gone.' };
    return left.map((id) => ({ jsonrpc: '2.0', id, error }));
  }
}
