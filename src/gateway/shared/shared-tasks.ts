import type { Notification, Request, ResultResponse } from '../../protocol/message.ts';
import type { Port } from './port.ts';

/** Tasks whose owner is remembered; the oldest is forgotten first. */
const MAX_TASKS = 1000;
/** Where a message says to which task it belongs (MCP 2025-11-25, tasks). */
const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** Whose tasks there are in a shared session. A task outlives the request that began it, and is its client's alone. */
export class SharedTasks {
  readonly #owners = new Map<string, Port>();

  /** Takes note of the task that an answer begins. @returns the answer, without the tasks of others */
  learn(port: Port, { method }: Request, response: ResultResponse): ResultResponse {
    const { task, tasks } = response.result as { task?: { taskId?: unknown }; tasks?: unknown };
    if (typeof task?.taskId === 'string') this.#remember(task.taskId, port);
    if (method !== 'tasks/list' || !Array.isArray(tasks)) return response;
    const own = tasks.filter((each: { taskId?: unknown }) => {
      const owner = this.#owners.get(String(each?.taskId));
      return owner === undefined || owner === port;
    });
    return { ...response, result: { ...response.result, tasks: own } };
  }

  /** The client whose task a message of the server is about. */
  ownerOf({ params }: Request | Notification): Port | undefined {
    const related = (params?._meta as Record<string, { taskId?: unknown } | undefined> | undefined)?.[
      RELATED_TASK
    ];
    const id = related?.taskId ?? params?.taskId;
    return typeof id === 'string' ? this.#owners.get(id) : undefined;
  }

  forget(port: Port): void {
    for (const [id, owner] of this.#owners) if (owner === port) this.#owners.delete(id);
  }

  #remember(id: string, port: Port): void {
    this.#owners.set(id, port);
    const [oldest] = this.#owners.keys();
    if (this.#owners.size > MAX_TASKS && oldest !== undefined) this.#owners.delete(oldest);
  }
}
