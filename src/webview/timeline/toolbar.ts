import { button, element, Surface } from './dom.ts';
import type { Filter } from './filter.ts';
import { drawGlyph } from './glyphs.ts';
import { type Intents, ZOOM_STEP } from './intents.ts';
import { MARK_KINDS, type MarkKind, type Strings } from './messages.ts';
import type { Palette } from './palette.ts';
import type { ViewName } from './view-state.ts';
import { countWords, fill } from './words.ts';

export interface ToolbarEvents {
  onView(view: ViewName): void;
  onFilter(filter: Filter): void;
}

export interface ToolbarState {
  readonly view: ViewName;
  readonly filter: Filter;
  readonly follows: boolean;
  readonly servers: readonly string[];
}

/** The controls of the view. The kinds are both the legend of the chart and its filter. */
export class Toolbar {
  readonly element: HTMLElement;
  readonly #strings: Strings;
  readonly #language: string;
  readonly #views: Readonly<Record<ViewName, HTMLButtonElement>>;
  readonly #live: HTMLButtonElement;
  readonly #zoom: HTMLElement;
  readonly #server = element('select', { id: 'server' });
  readonly #text: HTMLInputElement;
  readonly #kinds: readonly { kind: MarkKind; box: HTMLInputElement; surface: Surface; count: HTMLElement }[];
  readonly #shown = element('span', { class: 'shown muted' });
  #servers: readonly string[] = [];

  constructor(strings: Strings, language: string, events: ToolbarEvents, intents: Intents) {
    this.#strings = strings;
    this.#language = language;
    this.#views = {
      chart: button(strings.chart, () => events.onView('chart')),
      table: button(strings.table, () => events.onView('table')),
    };
    this.#live = button(strings.live, () => intents.follow(), { title: strings.liveHint });
    this.#zoom = element(
      'div',
      { class: 'group' },
      button('−', () => intents.zoom(ZOOM_STEP), { 'aria-label': strings.zoomOut, title: strings.zoomOut }),
      button('+', () => intents.zoom(1 / ZOOM_STEP), { 'aria-label': strings.zoomIn, title: strings.zoomIn }),
      button(strings.fit, () => intents.fit(), { title: strings.fitHint }),
      this.#live,
    );
    this.#text = element('input', { type: 'search', id: 'filter', placeholder: strings.filterHint });
    this.#kinds = MARK_KINDS.map((kind) => ({
      kind,
      box: element('input', { type: 'checkbox' }),
      surface: new Surface('glyph'),
      count: element('span', { class: 'muted' }),
    }));
    this.element = element(
      'div',
      { class: 'toolbar', role: 'group', 'aria-label': strings.toolbar },
      element(
        'div',
        { class: 'group', role: 'group', 'aria-label': strings.view },
        this.#views.chart,
        this.#views.table,
      ),
      element('div', { class: 'group' }, element('label', { for: 'server' }, strings.server), this.#server),
      element(
        'div',
        { class: 'group grow' },
        element('label', { for: 'filter' }, strings.filter),
        this.#text,
      ),
      this.#zoom,
      this.#kindBoxes(),
      this.#shown,
    );
    const tell = () => events.onFilter(this.#filter());
    this.#server.addEventListener('change', tell);
    this.#text.addEventListener('input', tell);
    for (const { box } of this.#kinds) box.addEventListener('change', tell);
  }

  update({ view, filter, follows, servers }: ToolbarState): void {
    for (const [name, each] of Object.entries(this.#views)) {
      each.setAttribute('aria-pressed', String(name === view));
    }
    this.#live.setAttribute('aria-pressed', String(follows));
    this.#zoom.hidden = view !== 'chart';
    this.#offerServers(servers);
    this.#server.value = filter.server ?? '';
    if (this.#text.value !== filter.text) this.#text.value = filter.text;
    for (const { kind, box } of this.#kinds) box.checked = !filter.hidden.includes(kind);
  }

  /** How many facts there are of each kind, and how many are shown. */
  tell(counts: Readonly<Record<MarkKind, number>>, shown: number): void {
    for (const { kind, count } of this.#kinds) setText(count, countWords(counts[kind], this.#language));
    const { factsShown, oneFactShown } = this.#strings;
    setText(this.#shown, shown === 1 ? oneFactShown : fill(factsShown, countWords(shown, this.#language)));
  }

  /** Draws the legend, which changes with the theme only. */
  drawLegend(palette: Palette): void {
    for (const { kind, surface } of this.#kinds) {
      if (surface.begin(14, 14)) drawGlyph(surface.context, kind, 7, 7, palette);
    }
  }

  #kindBoxes(): HTMLElement {
    const boxes = this.#kinds.map(({ kind, box, surface, count }) =>
      element('label', { class: 'kind' }, box, surface.canvas, this.#strings.kinds[kind], count),
    );
    const legend = element('legend', { class: 'visually-hidden' }, this.#strings.show);
    return element('fieldset', { class: 'kinds' }, legend, ...boxes);
  }

  #filter(): Filter {
    return {
      text: this.#text.value,
      server: this.#servers.find((server) => server === this.#server.value),
      hidden: this.#kinds.filter(({ box }) => !box.checked).map(({ kind }) => kind),
    };
  }

  #offerServers(servers: readonly string[]): void {
    if (this.#server.options.length > 0 && servers.join('\n') === this.#servers.join('\n')) return;
    this.#servers = servers;
    this.#server.replaceChildren(
      element('option', { value: '' }, this.#strings.allServers),
      ...servers.map((server) => element('option', { value: server }, server)),
    );
  }
}

/** A status that is set to the same words is read out again. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
