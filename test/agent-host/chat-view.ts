import type { Locator } from 'playwright-core';
import type { Workbench } from '../editor-host/workbench.ts';

/** How long the chat may take for one step, in ms: a machine ten times slower than ours needs a third of it. */
const STEP_LIMIT_MS = 180_000;
/** How long a key press may take to be seen before it is looked at whether it was lost, in ms. */
const SEEN_LIMIT_MS = 10_000;

/** The chat of a window, with one conversation after the other: what a person does in it. */
export class ChatView {
  readonly #window: Workbench;

  constructor(window: Workbench) {
    this.#window = window;
  }

  async open(): Promise<void> {
    await this.#window.searchPalette('Chat: Open Chat');
    await this.#window.press('Enter');
    await this.#input.waitFor({ state: 'visible', timeout: STEP_LIMIT_MS });
  }

  /**
   * Sends a message, and waits until it stands there as sent. Only when the turn before is over: a message in the middle
   * of one is passed to the agent in another way, which may come too late for that turn, and is then never looked at.
   */
  async send(text: string): Promise<void> {
    await this.#window.page.waitForFunction(isIdle, undefined, { timeout: STEP_LIMIT_MS });
    const sent = this.#window.page.locator('.interactive-request').filter({ hasText: text }).first();
    const isTyped = () => this.#shows(text);
    const isSent = () => isSeen(sent.waitFor({ state: 'visible', timeout: SEEN_LIMIT_MS }));
    await this.#untilSeen(() => this.#fill(text), isTyped);
    // What still stands in the input was not taken; what does not is on its way.
    await this.#untilSeen(async () => (await this.#shows(text)) && this.#window.press('Enter'), isSent);
  }

  async #untilSeen(act: () => Promise<unknown>, seen: () => Promise<boolean>): Promise<void> {
    for (let patience = STEP_LIMIT_MS / SEEN_LIMIT_MS; patience > 0; patience--) {
      await act();
      if (await seen()) return;
    }
    throw new Error(`The chat did not take a message within ${STEP_LIMIT_MS / 1000} s.`);
  }

  /** In one step: the editor of the input would add the other half of each bracket that is typed. */
  async #fill(text: string): Promise<void> {
    await this.#input.click({ timeout: STEP_LIMIT_MS });
    await this.#window.press('Control+A');
    await this.#window.press('Delete');
    await this.#window.page.keyboard.insertText(text);
  }

  #shows(text: string): Promise<boolean> {
    const shown = this.#window.page.waitForFunction(inputShows, text.replace(/\s/g, ''), {
      timeout: SEEN_LIMIT_MS,
    });
    return isSeen(shown);
  }

  get #input(): Locator {
    return this.#window.page.locator('.interactive-input-part .monaco-editor').first();
  }
}

function isSeen(wait: Promise<unknown>): Promise<boolean> {
  return wait.then(
    () => true,
    () => false,
  );
}

/** Runs in the page. Whether the last row of the conversation is an answer that is whole, or there is no row. */
function isIdle(): boolean {
  const rows = [...document.querySelectorAll('.interactive-list .monaco-list-row')];
  const place = (row: Element) => Number(row.getAttribute('data-index'));
  const last = rows.sort((a, b) => place(a) - place(b)).at(-1);
  if (!last) return true;
  return last.querySelector('.interactive-response:not(.chat-response-loading)') !== null;
}

/** Runs in the page. A long text is broken into lines, which are in the page in any order. */
function inputShows(text: string): boolean {
  const lines = [...document.querySelectorAll('.interactive-input-part .monaco-editor .view-line')];
  const top = (line: Element) => line.getBoundingClientRect().top;
  const shown = lines.sort((a, b) => top(a) - top(b)).map((line) => line.textContent);
  return shown.join('').replace(/\s/g, '') === text;
}
