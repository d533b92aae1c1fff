import { button, element } from './dom.ts';
import type { Strings } from './messages.ts';
import { type Page, pageOf, pageWith } from './pages.ts';
import type { Store, StoredMark } from './store.ts';
import { countWords, durationWords, fill, type MomentWords } from './words.ts';

export interface TableEvents {
  onShowInChart(mark: StoredMark): void;
}

/**
 * The same facts as rows, the latest first. It does not change under its reader: what has come since is announced on a
 * button, and put in when that is pressed.
 */
export class Table {
  readonly element: HTMLElement;
  readonly #strings: Strings;
  readonly #language: string;
  readonly #words: MomentWords;
  readonly #events: TableEvents;
  readonly #body = element('tbody');
  readonly #rows = element('span', { role: 'status' });
  readonly #newer: HTMLButtonElement;
  readonly #older: HTMLButtonElement;
  readonly #fresh: HTMLButtonElement;
  readonly #empty = element('p', { class: 'empty' });
  #store: Store | undefined;
  #marks: readonly StoredMark[] = [];
  #latest: readonly StoredMark[] = [];
  #page = 0;

  constructor(strings: Strings, language: string, words: MomentWords, events: TableEvents) {
    this.#strings = strings;
    this.#language = language;
    this.#words = words;
    this.#events = events;
    this.#newer = button(strings.newer, () => this.#turn(-1));
    this.#older = button(strings.older, () => this.#turn(1));
    this.#fresh = button('', () => this.show(this.#latest));
    const { columns } = strings;
    const heads = [
      columns.time,
      columns.server,
      columns.generation,
      columns.kind,
      columns.fact,
      columns.duration,
    ];
    this.element = element(
      'div',
      { class: 'table' },
      element('div', { class: 'pager' }, this.#newer, this.#older, this.#rows, this.#fresh),
      element(
        'div',
        { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': strings.tableCaption },
        element(
          'table',
          {},
          element('caption', { class: 'visually-hidden' }, strings.tableCaption),
          element(
            'thead',
            {},
            element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head))),
          ),
          this.#body,
        ),
        this.#empty,
      ),
    );
  }

  /** Shows these marks, oldest first, from the latest on; on the page with `mark`, if it is named. */
  show(marks: readonly StoredMark[], store = this.#store, mark?: StoredMark): void {
    this.#store = store;
    this.#marks = marks;
    this.#latest = marks;
    const index = mark ? marks.indexOf(mark) : -1;
    this.#page = index < 0 ? 0 : pageWith(marks.length, index);
    this.#render();
  }

  /** Tells the reader that there are new events. */
  offer(marks: readonly StoredMark[]): void {
    this.#latest = marks;
    this.#offerFresh();
  }

  #turn(by: number): void {
    this.#page += by;
    this.#render();
    this.element.querySelector('.table-scroll')?.scrollTo(0, 0);
  }

  #render(): void {
    const page = pageOf(this.#marks, this.#page);
    this.#page = page.page;
    this.#body.replaceChildren(...page.rows.map((mark) => this.#row(mark)));
    this.#rows.textContent = this.#rowWords(page);
    this.#empty.textContent = this.#strings.noMatch;
    this.#empty.hidden = page.total > 0;
    // Not disabled: a button that loses the focus in the middle of reading leaves the reader nowhere.
    this.#newer.setAttribute('aria-disabled', String(page.page === 0));
    this.#older.setAttribute('aria-disabled', String(page.page === page.pages - 1));
    this.#offerFresh();
  }

  #rowWords({ first, last, total }: Page<StoredMark>): string {
    const numbers = [first, last, total].map((each) => countWords(each, this.#language));
    return fill(this.#strings.rows, ...numbers);
  }

  #offerFresh(): void {
    const newest = this.#marks.at(-1)?.seq ?? 0;
    const fresh = this.#latest.filter(({ seq }) => seq > newest).length;
    this.#fresh.hidden = fresh === 0;
    this.#fresh.textContent = fill(this.#strings.showNew, countWords(fresh, this.#language));
  }

  #row(mark: StoredMark): HTMLTableRowElement {
    const { at, durationMs, generation, kind, lane, text } = mark;
    const { showInChart, kind: names, units } = this.#strings;
    const time = this.#words.exact(at, Date.now());
    const show = button(time, () => this.#events.onShowInChart(mark), {
      class: 'link',
      title: fill(showInChart, time),
    });
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, show),
      element('td', {}, this.#store?.lane(lane)?.title ?? ''),
      element('td', { class: 'number' }, String(generation)),
      element('td', {}, names[kind]),
      element('td', { class: 'fact' }, text),
      element(
        'td',
        { class: 'number' },
        durationMs === undefined ? '' : durationWords(durationMs, units, this.#language),
      ),
    );
  }
}
