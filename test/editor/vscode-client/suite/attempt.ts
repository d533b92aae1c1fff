import { setTimeout as delay } from 'node:timers/promises';
import type { RowId } from '../rows.ts';
import type { MeasuredClient } from './clients.ts';

/** What comes in this time, in ms, has come "at once". */
const AT_ONCE_MS = 1_000;

/** When something came, in words. Figures below a second would only tell how busy the machine was. */
export function when(ms: number): string {
  return ms < AT_ONCE_MS ? 'at once' : `after ${(ms / 1000).toFixed(1)} s`;
}

/** How a call ended: a verb, and what the caller was told beside it. */
interface Ending {
  readonly verb: 'answered' | 'failed';
  readonly detail: string;
  readonly ms: number;
}

/** One tool call, under way from its construction. */
export class Attempt {
  readonly key: string;
  readonly #startedAt = performance.now();
  readonly #ended: Promise<Ending>;

  /** @param key names the call in the report, and counts it at the server. */
  constructor(client: MeasuredClient, server: RowId, key: string) {
    this.key = key;
    this.#ended = client.call(server, key).then(
      (text) => (text === `ran ${key}` ? this.#ending('answered') : this.#ending('failed', 'the text', text)),
      (error: unknown) => this.#ending('failed', 'the error', wordsOf(error)),
    );
  }

  /** What has become of it, in words, at the latest after so many ms. */
  async within(ms: number): Promise<{ isOver: boolean; words: string }> {
    const patience = new AbortController();
    const late = delay(ms, undefined, { signal: patience.signal }).catch(() => undefined);
    const ending = await Promise.race([this.#ended, late]);
    patience.abort();
    if (ending === undefined) {
      const waited = Math.round((performance.now() - this.#startedAt) / 1000);
      return { isOver: false, words: `${this.key}: still pending after ${waited} s` };
    }
    return { isOver: true, words: `${this.key}: ${ending.verb} ${when(ending.ms)}${ending.detail}` };
  }

  #ending(verb: Ending['verb'], kind?: string, text = ''): Ending {
    const detail = kind === undefined ? '' : `, with ${kind} "${plain(text)}"`;
    return { verb, detail, ms: performance.now() - this.#startedAt };
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? `${code}: ${error.message}` : error.message;
}

/** On one line, without the port of this run. */
function plain(text: string): string {
  return text
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1')
    .replace(/\s+/g, ' ')
    .trim();
}
