import { button, element } from './dom.ts';
import type { Strings } from './messages.ts';
import type { StoredMark } from './store.ts';
import { fill, type MomentWords } from './words.ts';

/** How many facts of a moment are listed. */
const MAX_LISTED = 100;
/** How many the tip at the pointer lists. */
const MAX_IN_TIP = 6;

/** A moment in words. */
export interface Told {
  /** What the connection was in: `github: connected, generation 3`. */
  readonly heading: string;
  readonly marks: readonly StoredMark[];
}

/** The facts of the moment that a person has chosen. */
export class Details {
  readonly element: HTMLElement;
  readonly #strings: Strings;
  readonly #words: MomentWords;
  readonly #heading: HTMLElement;
  readonly #content: HTMLElement;
  readonly #clear: HTMLButtonElement;
  #shown = '';

  constructor(strings: Strings, words: MomentWords, onClear: () => void) {
    this.#strings = strings;
    this.#words = words;
    this.#heading = element('h2', { id: 'moment-heading' }, strings.moment);
    this.#content = element('div', { class: 'moment-content' });
    this.#clear = button(strings.clear, onClear);
    const head = element('div', { class: 'moment-head' }, this.#heading, this.#clear);
    this.element = element(
      'section',
      { class: 'moment', 'aria-labelledby': 'moment-heading', tabindex: '0' },
      head,
      this.#content,
    );
  }

  show(told: Told | undefined): void {
    const key = told ? `${told.heading}\n${told.marks.map(({ seq }) => seq).join()}` : '';
    if (key === this.#shown && this.#content.hasChildNodes()) return;
    this.#shown = key;
    this.#clear.hidden = told === undefined;
    this.#heading.textContent = told?.heading ?? this.#strings.moment;
    this.#content.replaceChildren(told ? this.#list(told.marks) : element('p', {}, this.#strings.momentHint));
  }

  #list(marks: readonly StoredMark[]): HTMLElement {
    if (marks.length === 0) return element('p', {}, this.#strings.noMatch);
    const rows = marks.slice(0, MAX_LISTED).map((mark) => element('li', {}, ...this.#line(mark)));
    const hidden = marks.length - rows.length;
    return element(
      'ul',
      {},
      ...rows,
      ...(hidden > 0 ? [element('li', {}, fill(this.#strings.more, hidden))] : []),
    );
  }

  #line({ at, generation, kind, text }: StoredMark): readonly HTMLElement[] {
    const aside = `${this.#strings.kind[kind]}, ${fill(this.#strings.generation, generation)}`;
    return [
      element('time', {}, this.#words.exact(at)),
      element('span', {}, text),
      element('span', { class: 'muted' }, aside),
    ];
  }
}

/** The tooltip at the pointer. Keyboard users find the same text in the details. */
export class Tip {
  readonly element = element('div', { class: 'tip', 'aria-hidden': 'true', hidden: '' });
  readonly #strings: Strings;
  readonly #words: MomentWords;

  constructor(strings: Strings, words: MomentWords) {
    this.#strings = strings;
    this.#words = words;
  }

  hide(): void {
    this.element.hidden = true;
  }

  /** @param x, y where the pointer is in the window, in CSS pixels. */
  show(at: number, { heading, marks }: Told, x: number, y: number): void {
    const shown = marks.slice(0, MAX_IN_TIP).map(({ text }) => element('li', {}, text));
    const hidden = marks.length - shown.length;
    if (hidden > 0) shown.push(element('li', { class: 'muted' }, fill(this.#strings.more, hidden)));
    this.element.replaceChildren(
      element('strong', {}, heading),
      element('span', { class: 'muted' }, this.#words.exact(at)),
      ...(shown.length > 0 ? [element('ul', {}, ...shown)] : []),
    );
    this.element.hidden = false;
    const { offsetWidth, offsetHeight } = this.element;
    // Beside the pointer, on the side where there is room.
    const left = x + 16 + offsetWidth > innerWidth ? Math.max(4, x - offsetWidth - 12) : x + 16;
    const top = y + 16 + offsetHeight > innerHeight ? Math.max(4, y - offsetHeight - 12) : y + 16;
    this.element.style.left = `${left}px`;
    this.element.style.top = `${top}px`;
  }
}
