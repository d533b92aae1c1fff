import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { BoundedMap } from '../../base/bounded-map.ts';
import { knownId, type Request, type Response } from '../../protocol/message.ts';
import type { SharedClient } from './shared-client.ts';

/** Limit of remembered server requests; the oldest is dropped, and its answer ignored. */
const MAX_QUESTIONS = 1000;
const METHOD_NOT_FOUND = -32601;
const CLIENT_GONE = -32000;

/** The client capability that each server request needs. */
const NEEDED: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** Requests of the server to the clients of a shared session, and the client chosen for each. */
export class SharedQuestions {
  readonly #asked = new BoundedMap<RequestId, SharedClient>(MAX_QUESTIONS);

  /**
   * Chooses the first able candidate. @returns it, or an error answer when there is none: a server must get
   * an answer
   */
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

  /** Whether the answer comes from the client that was asked. True only once. */
  answers(client: SharedClient, response: Response): boolean {
    const id = knownId(response.id, this.#asked);
    return this.#asked.get(id) === client && this.#asked.delete(id);
  }

  /** The client whose request the server cancels. */
  withdrawn(given: unknown): SharedClient[] {
    const id = knownId(given, this.#asked);
    const client = this.#asked.get(id);
    this.#asked.delete(id);
    return client ? [client] : [];
  }

  /** Removes a client. @returns answers to its open requests */
  forget(client: SharedClient): Response[] {
    const left = [...this.#asked].filter(([, asked]) => asked === client).map(([id]) => id);
    for (const id of left) this.#asked.delete(id);
    const error = { code: CLIENT_GONE, message: 'The client that was asked has gone.' };
    return left.map((id) => ({ jsonrpc: '2.0', id, error }));
  }
}
