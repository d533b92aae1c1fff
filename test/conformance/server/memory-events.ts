import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** The least that the SDK's transport takes for an event store; bounded by the life of a scenario. */
export class MemoryEvents implements EventStore {
  readonly #events: { readonly stream: string; readonly message: JSONRPCMessage }[] = [];

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#events.push({ stream, message });
    return String(this.#events.length - 1);
  }

  async replayEventsAfter(
    lastId: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const stream = this.#events[Number(lastId)]?.stream ?? '';
    for (const [id, event] of this.#events.entries()) {
      // A priming event has no message to send again.
      if (id <= Number(lastId) || event.stream !== stream || !('jsonrpc' in event.message)) continue;
      await send(String(id), event.message);
    }
    return stream;
  }
}
