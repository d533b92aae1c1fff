import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

/** Tells the account what became of a call whose outcome was not known at first. */
export type Remark = (words: string) => void;

export interface ErrandOptions {
  /** How long the owner of a call waits for its answer, in ms. */
  readonly timeoutMs: number;
  readonly remark: Remark;
}

const CHECKS = 5;

/** What the demo wants of server-everything: answers that can be checked. */
export class EverythingErrands {
  readonly #client: Client;
  readonly #options: ErrandOptions;

  constructor(client: Client, options: ErrandOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** One short call: every third a sum, the others an echo. */
  async short(n: number): Promise<void> {
    if (n % 3 === 0) {
      expect(await this.#call('get-sum', { a: n, b: 1 }), `The sum of ${n} and 1 is ${n + 1}.`);
    } else {
      expect(await this.#call('echo', { message: `call ${n}` }), `Echo: call ${n}`);
    }
  }

  /** A call of a second with progress; `onProgress` is told when the server is in the middle of it. */
  async long(onProgress: () => void): Promise<void> {
    const answer = await this.#call('trigger-long-running-operation', { duration: 1, steps: 4 }, onProgress);
    expect(answer, 'Long running operation completed. Duration: 1 seconds, Steps: 4.');
  }

  #call(name: string, args: Record<string, unknown>, onProgress?: () => void): Promise<string> {
    return callTool(this.#client, name, args, this.#options.timeoutMs, onProgress);
  }
}

/**
 * What the demo wants of the ledger: each entry written, and once. The transport does not send an `append` again that may
 * have run, and says so by the code OUTCOME_UNKNOWN; what a careful owner does then is here.
 */
export class LedgerErrands {
  /** Entries whose call was answered: each must be in the file. */
  readonly written: string[] = [];
  readonly #client: Client;
  readonly #options: ErrandOptions;

  constructor(client: Client, options: ErrandOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** One short call: every third reads, the others write. */
  async short(n: number): Promise<void> {
    const last = this.written.at(-1);
    if (n % 3 === 0 && last !== undefined) expect(await this.#call('has', { entry: last }), 'true');
    else await this.append(`entry ${n}`);
  }

  append(entry: string): Promise<void> {
    return this.#write(entry, 'append', {});
  }

  /** An append that takes its time before it writes, or between that and its answer. */
  slowAppend(entry: string, waits: { beforeMs?: number; afterMs?: number }): Promise<void> {
    return this.#write(entry, 'slow_append', waits);
  }

  async #write(entry: string, tool: string, waits: object): Promise<void> {
    try {
      await this.#call(tool, { entry, ...waits });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'OUTCOME_UNKNOWN') throw error;
      await this.#settle(entry);
    }
    this.written.push(entry);
  }

  /** Asks whether the entry is there before it is written again. */
  async #settle(entry: string): Promise<void> {
    for (let check = 1; ; check++) {
      if ((await this.#call('has', { entry })) === 'true') {
        this.#options.remark(`${entry}: asked the ledger, it had run; not sent again`);
        return;
      }
      try {
        await this.#call('append', { entry });
        this.#options.remark(`${entry}: asked the ledger, it had not run; appended now`);
        return;
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'OUTCOME_UNKNOWN' || check === CHECKS) throw error;
      }
    }
  }

  #call(name: string, args: Record<string, unknown>): Promise<string> {
    return callTool(this.#client, name, args, this.#options.timeoutMs);
  }
}

async function callTool(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  timeout: number,
  onprogress?: () => void,
): Promise<string> {
  const result = await client.callTool({ name, arguments: args }, CallToolResultSchema, {
    timeout,
    ...(onprogress ? { onprogress } : {}),
  });
  const { content, isError } = CallToolResultSchema.parse(result);
  const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  if (isError) throw new Error(`${name} answered with an error: ${text}`);
  return text;
}

function expect(answer: string, expected: string): void {
  if (answer !== expected) throw new Error(`expected the answer "${expected}", got "${answer}"`);
}
