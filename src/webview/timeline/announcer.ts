import { element } from './dom.ts';

/** How long a text has to stand before it is read out, in ms: nobody wants to hear each letter of a filter. */
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
