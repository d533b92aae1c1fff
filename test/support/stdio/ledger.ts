import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from '../../../harness/until.ts';
import type { HealingTransport } from '../../../src/client/healing-transport.ts';
import type { JournalEntry } from '../../../src/client/index.ts';
import type { HealingOptions } from '../../../src/client/options.ts';
import type { StdioServerConfig } from '../../../src/config/server-config.ts';
import { transportOpener } from '../../../src/hub/open/open-transport.ts';
import { type ClientPreparation, type Connected, connectedBy, quick } from '../connected.ts';
import { scratchFolder } from '../scratch.ts';

export const programPath = fileURLToPath(new URL('./ledger-program.ts', import.meta.url));

export interface LedgerOptions extends HealingOptions, ClientPreparation {
  /** Variables of the program. */
  readonly env?: Readonly<Record<string, string>>;
  /** Changes of the entry. */
  readonly entry?: Partial<StdioServerConfig>;
}

/** A client over a real program that keeps a ledger of what it ran. */
export interface LedgerClient extends Connected<HealingTransport> {
  readonly ledger: Ledger;
  /** Waits until the program has told this on its standard error, as often as `count` says, in all. */
  tells(text: string, count?: number): Promise<void>;
}

/** What programs wrote into one file. */
export class Ledger implements Disposable {
  readonly #folder = scratchFolder();
  readonly path = this.#folder.file('ledger');

  get folder(): string {
    return this.#folder.path;
  }

  get lines(): readonly string[] {
    try {
      return readFileSync(this.path, 'utf8').trimEnd().split('\n');
    } catch {
      return [];
    }
  }

  /** The process ids after this word, in order. */
  pids(word: 'started' | 'child' = 'started'): number[] {
    return this.lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1]));
  }

  get pid(): number {
    return this.pids().at(-1) ?? Number.NaN;
  }

  /** How often a tool ran under a key. */
  runs(tool: string, key: string): number {
    return this.lines.filter((line) => line === `${tool} ${key}`).length;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** The entry of the setting for the program. */
export function ledgerEntry(ledger: Ledger, options: LedgerOptions = {}): StdioServerConfig {
  return {
    type: 'stdio',
    name: 'ledger',
    replay: { default: 'hints', tools: {} },
    shared: false,
    command: process.execPath,
    args: [programPath],
    env: { LEDGER: ledger.path, ...options.env },
    cwd: undefined,
    ...options.entry,
  };
}

const processes = { cwd: process.cwd(), env: process.env, serve: { command: '', args: [] } };

/** The connection alone, not started. */
export function openLedger(ledger: Ledger, options: LedgerOptions = {}): HealingTransport {
  const { env: _env, entry: _entry, client: _client, prepare: _prepare, environment, ...healing } = options;
  const recovery = { ...quick.recovery, ...healing.recovery };
  return transportOpener({ processes, ...(environment && { environment }) })(ledgerEntry(ledger, options), {
    connectPatienceMs: 60_000,
    ...healing,
    recovery,
  });
}

export async function ledgerClient(options: LedgerOptions = {}): Promise<LedgerClient> {
  const ledger = new Ledger();
  const transport = openLedger(ledger, options);
  const scenario = await connectedBy(transport, options);
  const told = (text: string) =>
    scenario.facts('serverWrote').filter((fact) => fact.kind === 'serverWrote' && fact.text === text).length;
  return {
    ...scenario,
    ledger,
    async tells(text, count = 1) {
      if (told(text) >= count) return;
      await until<JournalEntry>(
        (listener) => transport.journal.subscribe(listener),
        () => told(text) >= count,
        { what: `"${text}" number ${count}` },
      );
    },
    [Symbol.asyncDispose]: async () => {
      await scenario[Symbol.asyncDispose]();
      ledger[Symbol.dispose]();
    },
  };
}

/** Whether a process lives. One that has ended and that nobody has asked about yet (a zombie) does not. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Stops a process, and waits until it has stopped. Linux alone tells. */
export async function stopped(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  while (!/^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
