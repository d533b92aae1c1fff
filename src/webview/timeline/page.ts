import { Announcer } from './announcer.ts';
import { Chart } from './chart.ts';
import { countKinds, momentOf } from './detail-levels.ts';
import { Details, Tip, type Told } from './details.ts';
import { element } from './dom.ts';
import { phaseWords, type Scene } from './draw-lanes.ts';
import type { LatencyScene } from './draw-latency.ts';
import { type Filter, type Filtered, filtered } from './filter.ts';
import type { Intents, Place } from './intents.ts';
import { axisOf, latenciesOf } from './latency.ts';
import type { Focus, Increment, Lane, ToPage } from './messages.ts';
import { type Moment, marksAt, neighbour } from './moment.ts';
import { onAppearance, type Palette, readPalette } from './palette.ts';
import {
  atMoment,
  firstRange,
  following,
  panned,
  type Range,
  revealing,
  spanOf,
  wholeRange,
  zoomed,
} from './range.ts';
import { between } from './search.ts';
import { Store, type StoredMark } from './store.ts';
import { Table } from './table.ts';
import { Toolbar } from './toolbar.ts';
import { readViewState, type ViewName, type ViewState } from './view-state.ts';
import { fill, MomentWords } from './words.ts';

/** Pixels around a place that belong to the moment at it. */
const REACH = 7;
/** How often a picture that follows the present is drawn at most and at least, in ms. */
const PACE = { quickest: 100, slowest: 1000 } as const;

type Shown = Extract<ToPage, { type: 'show' }>;

/** Where the editor keeps what a person has set. */
export interface Keeping {
  readonly kept: unknown;
  keep(state: ViewState): void;
}

/** The whole page: holds what is shown and how, and draws it when either has changed. */
export class TimelinePage implements Intents {
  readonly #shown: Shown;
  readonly #keeping: Keeping;
  readonly #store: Store;
  readonly #words: MomentWords;
  readonly #toolbar: Toolbar;
  readonly #chart: Chart;
  readonly #table: Table;
  readonly #details: Details;
  readonly #tip: Tip;
  readonly #announcer = new Announcer();
  #palette: Palette;
  #view: ViewName;
  #filter: Filter;
  #range: Range;
  #filtered: Filtered;
  #chosen: Moment | undefined;
  #cursor: StoredMark | undefined;
  #pointed: Place | undefined;
  /** The extension's clock at the time of the page's own. */
  #clock: { readonly theirs: number; readonly ours: number };
  #frame: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, shown: Shown, keeping: Keeping) {
    const { language, strings } = shown;
    this.#shown = shown;
    this.#keeping = keeping;
    this.#clock = { theirs: shown.now, ours: performance.now() };
    this.#store = new Store(shown.limits);
    this.#store.add(shown);
    this.#words = new MomentWords(language);
    const kept = readViewState(keeping.kept);
    this.#view = kept.view;
    this.#filter = this.#usable(kept.filter);
    this.#range = this.#firstRange(kept);
    this.#filtered = filtered(this.#store, this.#filter);
    this.#toolbar = new Toolbar(
      strings,
      language,
      { onView: (view) => this.#setView(view), onFilter: (filter) => this.#setFilter(filter) },
      this,
    );
    this.#chart = new Chart(strings, language, this);
    this.#table = new Table(strings, language, this.#words, {
      onShowInChart: (mark) => this.#showInChart(mark),
    });
    this.#details = new Details(strings, this.#words, () => this.clear());
    this.#tip = new Tip(strings, this.#words);
    root.replaceChildren(
      element('h1', { class: 'visually-hidden' }, strings.title),
      this.#toolbar.element,
      element('main', {}, this.#chart.element, this.#details.element, this.#table.element),
      this.#announcer.element,
      this.#tip.element,
    );
    document.documentElement.lang = language;
    this.#palette = readPalette(document.body);
    this.#chart.onResize(() => this.#draw());
    this.#chart.onScroll(() => this.#draw());
    onAppearance(() => this.#changedAppearance());
    document.addEventListener('visibilitychange', () => this.#draw());
    this.#changedAppearance();
    this.#changedView();
  }

  /** Facts that have come since. */
  add(increment: Increment): void {
    this.#clock = { theirs: increment.now, ours: performance.now() };
    this.#store.add(increment);
    this.#refilter();
    if (this.#view === 'table') this.#table.offer(this.#filtered.marks);
  }

  /** Shows a server, or one of its facts. */
  focus({ server, seq }: Focus): void {
    this.#setFilter(this.#usable({ ...this.#filter, server }));
    const mark = seq === undefined ? undefined : this.#store.marks.find((each) => each.seq === seq);
    if (mark) this.#showInChart(mark);
  }

  zoom(factor: number, x?: number): void {
    const { from, to } = this.#current();
    const middle =
      this.#cursor && this.#cursor.at >= from && this.#cursor.at <= to ? this.#cursor.at : (from + to) / 2;
    const anchor = x === undefined ? middle : this.#momentAt(x);
    this.#setRange(zoomed(this.#current(), factor, anchor));
  }

  pan(share: number): void {
    const range = this.#current();
    this.#setRange(panned(range, share * spanOf(range), this.#now()));
  }

  point(place: Place | undefined): void {
    this.#pointed = place;
    this.#tellPointed();
    this.#draw();
  }

  choose(place: Place): void {
    const moment = this.#momentNear(place);
    this.#cursor = undefined;
    this.#chosen = moment;
    this.#tellChosen();
    this.#draw();
  }

  step(direction: 1 | -1, among: 'all' | 'events'): void {
    const lane = this.#laneOfCursor();
    const marks = this.#filtered.marks.filter(
      (mark) => mark.lane === lane?.id && (among === 'all' || mark.kind !== 'call'),
    );
    const { from, to } = this.#current();
    this.#moveTo(neighbour(marks, this.#cursor, direction, this.#cursor?.at ?? (from + to) / 2));
  }

  changeLane(direction: 1 | -1): void {
    const lanes = this.#lanes();
    const index = lanes.findIndex(({ id }) => id === this.#laneOfCursor()?.id);
    const lane = lanes[index + (this.#chosen ? direction : 0)];
    if (!lane) return;
    const { from, to } = this.#current();
    const marks = this.#filtered.marks.filter((mark) => mark.lane === lane.id);
    this.#chart.reveal(lanes.indexOf(lane));
    this.#moveTo(neighbour(marks, undefined, 1, this.#cursor?.at ?? (from + to) / 2));
  }

  jump(to: 'first' | 'last'): void {
    const lane = this.#laneOfCursor();
    const marks = this.#filtered.marks.filter((mark) => mark.lane === lane?.id);
    this.#moveTo(to === 'first' ? marks[0] : marks.at(-1));
  }

  fit(): void {
    this.#setRange(wholeRange(this.#store.marks[0]?.at, this.#now()));
  }

  follow(): void {
    const range = this.#current();
    this.#setRange(range.follows ? { ...range, follows: false } : following(spanOf(range), this.#now()));
  }

  clear(): void {
    this.#chosen = undefined;
    this.#cursor = undefined;
    this.#tellChosen();
    this.#draw();
  }

  #now(): number {
    return this.#clock.theirs + performance.now() - this.#clock.ours;
  }

  #current(): Range {
    return atMoment(this.#range, this.#now());
  }

  /** A kept range of which nothing is known any more, after a reload of the window, is not worth going back to. */
  #firstRange({ span, to }: ViewState): Range {
    const now = this.#now();
    const first = this.#store.marks[0]?.at;
    if (span === undefined) return firstRange(first, now);
    const range = { from: (to ?? now) - span, to: to ?? now, follows: to === undefined };
    const isKnown = between(this.#store.marks, range.from, range.to).length > 0;
    return range.follows || isKnown ? range : firstRange(first, now);
  }

  /** Without a server that is not there. */
  #usable(filter: Filter): Filter {
    const isThere = this.#store.lanes.some(({ server }) => server === filter.server);
    return isThere ? filter : { ...filter, server: undefined };
  }

  #setRange(range: Range): void {
    this.#range = range;
    this.#keep();
    this.#tellPointed();
    this.#draw();
  }

  #setFilter(filter: Filter): void {
    this.#filter = filter;
    this.#keep();
    this.#refilter();
    if (this.#view === 'table') this.#table.show(this.#filtered.marks);
    this.#announcer.say(fill(this.#shown.strings.factsShown, this.#filtered.marks.length));
  }

  #setView(view: ViewName): void {
    this.#view = view;
    this.#keep();
    this.#changedView();
  }

  #changedView(): void {
    const isChart = this.#view === 'chart';
    this.#chart.element.hidden = !isChart;
    this.#details.element.hidden = !isChart;
    this.#table.element.hidden = isChart;
    this.#tip.hide();
    if (!isChart) this.#table.show(this.#filtered.marks, this.#store, this.#cursor);
    this.#refilter();
  }

  #changedAppearance(): void {
    this.#palette = readPalette(document.body);
    this.#toolbar.drawLegend(this.#palette);
    this.#chart.drawLegend(this.#palette);
    this.#draw();
  }

  #refilter(): void {
    this.#filtered = filtered(this.#store, this.#filter);
    this.#toolbar.tell(countKinds(this.#store.marks), this.#filtered.marks.length);
    this.#tellChosen();
    this.#draw();
  }

  #keep(): void {
    const { follows, to } = this.#range;
    this.#keeping.keep({
      view: this.#view,
      filter: this.#filter,
      span: spanOf(this.#range),
      to: follows ? undefined : to,
    });
  }

  #showInChart(mark: StoredMark): void {
    if (this.#view !== 'chart') this.#setView('chart');
    this.#moveTo(mark);
    this.#chart.focus();
  }

  /** Puts the cursor of the keyboard on a mark, and chooses its moment. */
  #moveTo(mark: StoredMark | undefined): void {
    if (!mark) return;
    this.#range = revealing(this.#current(), mark.at, this.#now());
    this.#cursor = mark;
    this.#chosen = this.#around(mark.lane, mark.at);
    const lanes = this.#lanes();
    const index = lanes.findIndex(({ id }) => id === mark.lane);
    if (index >= 0) this.#chart.reveal(index);
    this.#keep();
    this.#tellChosen();
    const { title } = lanes[index] ?? { title: '' };
    this.#announcer.say(`${title}, ${this.#words.exact(mark.at)}: ${mark.text}`);
    this.#draw();
  }

  /** The lanes that are to be seen: one that was closed before is left out. */
  #lanes(): readonly Lane[] {
    const { from, to } = this.#current();
    return this.#store.lanes.filter(({ id, server }) => {
      if (this.#filter.server !== undefined && server !== this.#filter.server) return false;
      const phases = this.#store.phases(id);
      const last = phases.at(-1);
      const isOver = last?.kind === 'ended' && last.from < from;
      const isToCome = (phases[0]?.from ?? 0) > to;
      return !isOver && !isToCome;
    });
  }

  #laneOfCursor(): Lane | undefined {
    const lanes = this.#lanes();
    const lane = this.#cursor?.lane ?? this.#chosen?.lane;
    return lanes.find(({ id }) => id === lane) ?? lanes[0];
  }

  #momentAt(x: number): number {
    return momentOf(x - this.#chart.gutter, { ...this.#current(), width: this.#chart.axisWidth });
  }

  #momentNear({ x, y }: Place): Moment | undefined {
    const lane = this.#chart.laneAt(this.#lanes(), y);
    return lane && x >= this.#chart.gutter ? this.#around(lane.id, this.#momentAt(x)) : undefined;
  }

  #around(lane: number, at: number): Moment {
    const reach = (spanOf(this.#current()) / this.#chart.axisWidth) * REACH;
    return { lane, from: at - reach, to: at + reach };
  }

  #told(moment: Moment): Told {
    const { strings } = this.#shown;
    const middle = (moment.from + moment.to) / 2;
    const phase = this.#store.phaseAt(moment.lane, Math.min(moment.to, this.#now()));
    const title = this.#store.lane(moment.lane)?.title ?? '';
    const words =
      phase && phase.from <= middle + (moment.to - middle) ? `: ${phaseWords(phase, strings)}` : '';
    return { heading: `${title}${words}`, marks: marksAt(this.#filtered, moment) };
  }

  #tellChosen(): void {
    this.#details.show(this.#chosen && this.#told(this.#chosen));
  }

  #tellPointed(): void {
    const moment = this.#pointed && this.#momentNear(this.#pointed);
    if (!this.#pointed || !moment) {
      this.#tip.hide();
      return;
    }
    const { left, top } = this.#chart.box;
    const at = this.#momentAt(this.#pointed.x);
    this.#tip.show(at, this.#told(moment), left + this.#pointed.x, top + this.#pointed.y);
  }

  /** Draws with the next frame, however often it is asked for until then. */
  #draw(): void {
    if (this.#frame !== undefined || document.hidden) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#drawNow();
    });
  }

  #drawNow(): void {
    const range = this.#current();
    this.#range = range;
    this.#toolbar.update({
      view: this.#view,
      filter: this.#filter,
      follows: range.follows,
      servers: [...new Set(this.#store.lanes.map(({ server }) => server))],
    });
    if (this.#view === 'chart') this.#drawChart(range);
    clearTimeout(this.#timer);
    if (range.follows && this.#view === 'chart')
      this.#timer = setTimeout(() => this.#draw(), this.#pace(range));
  }

  #drawChart(range: Range): void {
    const scene: Scene = {
      store: this.#store,
      filtered: this.#filtered,
      lanes: this.#lanes(),
      scale: { from: range.from, to: range.to, width: this.#chart.axisWidth },
      gutter: this.#chart.gutter,
      now: this.#now(),
      palette: this.#palette,
      strings: this.#shown.strings,
      words: this.#words,
      chosen: this.#chosen,
      cursor: this.#cursor,
      pointed:
        this.#pointed && this.#pointed.x >= this.#chart.gutter ? this.#momentAt(this.#pointed.x) : undefined,
    };
    this.#chart.draw(scene, this.#latencyScene(range), this.#emptyWords(scene.lanes));
  }

  #latencyScene({ from, to }: Range): LatencyScene {
    const calls = between(this.#filtered.calls, from, to);
    return {
      calls,
      latencies: latenciesOf(calls),
      // Of all calls, so that the axis stays where it is while the time moves.
      axis: axisOf(this.#filtered.calls),
      language: this.#shown.language,
    };
  }

  #emptyWords(lanes: readonly Lane[]): string {
    const { noFacts, noMatch } = this.#shown.strings;
    if (this.#store.marks.length === 0) return noFacts;
    return lanes.length === 0 || this.#filtered.marks.length === 0 ? noMatch : '';
  }

  /** As often as a pixel passes, within bounds; slowly for those who want no movement. */
  #pace(range: Range): number {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return PACE.slowest;
    const pixel = spanOf(range) / this.#chart.axisWidth;
    return Math.min(Math.max(pixel, PACE.quickest), PACE.slowest);
  }
}
