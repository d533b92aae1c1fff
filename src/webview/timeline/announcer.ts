import { element } from './dom.ts';

/** Delay before a text is read out, in ms, so that typing a filter is not read letter by letter. */
const SETTLING_MS = 400;

/** Tells a screen reader what has changed out of its sight. */
export class Announcer {
  readonly element = element('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.textContent = text;
    }, SETTLING_MS);
  }
}
