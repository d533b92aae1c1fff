import { BoundedMap } from '../../base/bounded-map.ts';
import type { Notification, Request, ResultResponse } from '../../protocol/message.ts';
import { peek, withElements } from '../../protocol/message-text.ts';
import type { SharedClient } from './shared-client.ts';

/** Tasks whose owner is remembered; the oldest is forgotten first. */
const MAX_TASKS = 1000;
/** Where a message says to which task it belongs (MCP 2025-11-25, tasks). */
const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** Whose tasks there are in a shared session. A task outlives the request that began it, and is its client's alone. */
export class SharedTasks {
  readonly #owners = new BoundedMap<string, SharedClient>(MAX_TASKS);

  /** Takes note of the task that an answer begins. @returns the answer, without the tasks of others */
  learn(client: SharedClient, { method }: Request, response: ResultResponse): ResultResponse {
    const taskId = peek(response, ['result', 'task', 'taskId']);
    if (typeof taskId === 'string') this.#owners.set(taskId, client);
    if (method !== 'tasks/list') return response;
    return withElements(response, ['result', 'tasks'], (each) => {
      const owner = this.#owners.get(String((each as { taskId?: unknown } | null)?.taskId));
      return owner === undefined || owner === client;
    });
  }

  /** The client whose task a message of the server is about. */
  ownerOf(message: Request | Notification): SharedClient | undefined {
    const related = peek(message, ['params', '_meta', RELATED_TASK, 'taskId']);
    const id = related ?? peek(message, ['params', 'taskId']);
    return typeof id === 'string' ? this.#owners.get(id) : undefined;
  }

  forget(client: SharedClient): void {
    for (const [id, owner] of this.#owners) if (owner === client) this.#owners.delete(id);
  }
}
