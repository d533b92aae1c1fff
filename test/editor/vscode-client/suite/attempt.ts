import { setTimeout as delay } from 'node:timers/promises';
import type { Fact, RequestKey } from '../measure-calls.ts';

/** What comes in this time, in ms, has come "at once". */
const AT_ONCE_MS = 1_000;

/** When something came, in words. Figures below a second would only tell how busy the machine was. */
export function when(ms: number): string {
  return ms < AT_ONCE_MS ? 'at once' : `after ${(ms / 1000).toFixed(1)} s`;
}

/** How a request ended, and what the caller was told beside it. */
interface Ending {
  readonly how: 'answered' | 'failed';
  readonly detail: string;
  readonly ms: number;
}

/** One request, under way from its construction. */
export class Attempt {
  readonly request: RequestKey;
  readonly #startedAt = performance.now();
  readonly #ended: Promise<Ending>;

  /**
   * @param sent gives the text that the caller gets.
   * @param expected what that text is if all went well.
   */
  constructor(request: RequestKey, sent: Promise<string>, expected: string) {
    this.request = request;
    this.#ended = sent.then(
      (text) => (text === expected ? this.#ending('answered') : this.#ending('failed', 'the text', text)),
      (error: unknown) => this.#ending('failed', 'the error', wordsOf(error)),
    );
  }

  /** What has become of it, at the latest after so many ms. */
  async within(ms: number): Promise<Fact & { readonly ended: NonNullable<Fact['ended']> }> {
    const patience = new AbortController();
    const late = delay(ms, undefined, { signal: patience.signal }).catch(() => undefined);
    const ending = await Promise.race([this.#ended, late]);
    patience.abort();
    const { key } = this.request;
    if (ending === undefined) {
      const waited = Math.round((performance.now() - this.#startedAt) / 1000);
      return { words: `${key}: still pending after ${waited} s`, ended: { key, how: 'pending' } };
    }
    const { how, detail } = ending;
    return { words: `${key}: ${how} ${when(ending.ms)}${detail}`, ended: { key, how } };
  }

  #ending(how: Ending['how'], kind?: string, text = ''): Ending {
    const detail = kind === undefined ? '' : `, with ${kind} "${plain(text)}"`;
    return { how, detail, ms: performance.now() - this.#startedAt };
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
    .replace(/^takePrompt: /, '')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1')
    .replace(/\s+/g, ' ')
    .trim();
}
