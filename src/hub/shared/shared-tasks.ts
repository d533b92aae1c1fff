import { BoundedMap } from '../../base/bounded-map.ts';
import type { Notification, Request, ResultResponse } from '../../protocol/message.ts';
import { peek, withElements } from '../../protocol/text/message-text.ts';
import type { SharedClient } from './shared-client.ts';

/** Limit of remembered tasks; the oldest is dropped. */
const MAX_TASKS = 1000;
/** The `_meta` key with the task of a message (MCP 2025-11-25, tasks). */
const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** Owners of the tasks in a shared session. A task outlives its request, and belongs to its client only. */
export class SharedTasks {
  readonly #owners = new BoundedMap<string, SharedClient>(MAX_TASKS);

  /** Records the task that an answer creates. @returns the answer, without other clients' tasks */
  learn(client: SharedClient, { method }: Request, response: ResultResponse): ResultResponse {
    const taskId = peek(response, ['result', 'task', 'taskId']);
    if (typeof taskId === 'string') this.#owners.set(taskId, client);
    if (method !== 'tasks/list') return response;
    return withElements(response, ['result', 'tasks'], (each) => {
      const owner = this.#owners.get(String((each as { taskId?: unknown } | null)?.taskId));
      return owner === undefined || owner === client;
    });
  }

  /** The client that owns the task of a server message. */
  ownerOf(message: Request | Notification): SharedClient | undefined {
    const related = peek(message, ['params', '_meta', RELATED_TASK, 'taskId']);
    const id = related ?? peek(message, ['params', 'taskId']);
    return typeof id === 'string' ? this.#owners.get(id) : undefined;
  }

  forget(client: SharedClient): void {
    for (const [id, owner] of this.#owners) if (owner === client) this.#owners.delete(id);
  }
}
