import { Announcer } from './announcer.ts';
import { Chart } from './chart.ts';
import { atEnd, inOtherLane, type Surroundings, stepped } from './cursor.ts';
import { countKinds, momentOf } from './detail-levels.ts';
import { Details, Tip, type Told } from './details.ts';
import { element } from './dom.ts';
import { phaseWords, type Scene } from './draw-lanes.ts';
import { type Filter, type Filtered, filtered, NO_FILTER } from './filter.ts';
import type { Intents, Place } from './intents.ts';
import type { Focus, Increment, Lane, ToPage } from './messages.ts';
import { type Moment, marksAt } from './moment.ts';
import { onAppearance, type Palette, readPalette } from './palette.ts';
import { type Range, spanOf } from './range.ts';
import { between } from './search.ts';
import { Store, type StoredMark } from './store.ts';
import { Table } from './table.ts';
import { Timeframe } from './timeframe.ts';
import { Toolbar } from './toolbar.ts';
import { readViewState, type ViewName, type ViewState } from './view-state.ts';
import { visibleLanes } from './visible-lanes.ts';
import { fill, MomentWords } from './words.ts';

/** Pixels around a place that belong to the moment at it. */
const REACH = 7;
/** How often a picture that follows the present is drawn for those who want no movement, in ms. */
const REDUCED_PACE_MS = 1000;

type Shown = Extract<ToPage, { type: 'show' }>;

/** Where the editor keeps what a person has set. */
export interface Keeping {
  readonly kept: unknown;
  keep(state: ViewState): void;
}

/** The whole page: holds data and view state, and redraws when either changes. */
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
  readonly #timeframe: Timeframe;
  #filtered: Filtered;
  #chosen: Moment | undefined;
  #cursor: StoredMark | undefined;
  #pointed: Place | undefined;
  #frame: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, shown: Shown, keeping: Keeping) {
    const { language, strings } = shown;
    this.#shown = shown;
    this.#keeping = keeping;
    this.#store = new Store(shown.limits);
    this.#store.add(shown);
    this.#words = new MomentWords(language);
    const kept = readViewState(keeping.kept);
    this.#view = kept.view;
    this.#filter = this.#usable(kept.filter);
    this.#timeframe = new Timeframe(shown.now, () => performance.now(), this.#store.marks, kept);
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
      element(
        'header',
        {},
        element('h1', { class: 'visually-hidden' }, strings.title),
        this.#toolbar.element,
      ),
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
    this.#timeframe.now = increment.now;
    this.#store.add(increment);
    this.#refilter();
    if (this.#view === 'table') this.#table.offer(this.#filtered.marks);
  }

  /** Shows a server, or one of its facts. */
  focus({ server, seq }: Focus): void {
    const mark = seq === undefined ? undefined : this.#store.marks.find((each) => each.seq === seq);
    // A requested fact must be visible, whatever the filter hid before.
    this.#setFilter(this.#usable({ ...(mark ? NO_FILTER : this.#filter), server }));
    if (mark) this.#showInChart(mark);
  }

  zoom(factor: number, x?: number): void {
    const { from, to } = this.#timeframe.range;
    const at = this.#cursor?.at;
    const middle = at !== undefined && at >= from && at <= to ? at : (from + to) / 2;
    this.#timeframe.zoom(factor, x === undefined ? middle : this.#momentAt(x));
    this.#changedRange();
  }

  pan(share: number): void {
    this.#timeframe.pan(share);
    this.#changedRange();
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
    this.#moveTo(stepped(this.#surroundings(), direction, among));
  }

  changeLane(direction: 1 | -1): void {
    this.#moveTo(inOtherLane(this.#surroundings(), direction));
  }

  jump(to: 'first' | 'last'): void {
    this.#moveTo(atEnd(this.#surroundings(), to));
  }

  fit(): void {
    this.#timeframe.fit(this.#store.marks[0]?.at);
    this.#changedRange();
  }

  follow(): void {
    this.#timeframe.toggleFollowing();
    this.#changedRange();
  }

  clear(): void {
    this.#chosen = undefined;
    this.#cursor = undefined;
    this.#tellChosen();
    this.#draw();
  }

  #surroundings(): Surroundings {
    const { from, to } = this.#timeframe.range;
    return {
      filtered: this.#filtered,
      lanes: this.#lanes(),
      mark: this.#cursor,
      lane: this.#chosen?.lane,
      middle: (from + to) / 2,
    };
  }

  /** Without a server that is not there. */
  #usable(filter: Filter): Filter {
    const isThere = this.#store.lanes.some(({ server }) => server === filter.server);
    return isThere ? filter : { ...filter, server: undefined };
  }

  #changedRange(): void {
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
    this.#keeping.keep({ view: this.#view, filter: this.#filter, ...this.#timeframe.kept });
  }

  #showInChart(mark: StoredMark): void {
    if (this.#view !== 'chart') this.#setView('chart');
    this.#moveTo(mark);
    this.#chart.focus();
  }

  /** Puts the cursor of the keyboard on a mark, and chooses its moment. */
  #moveTo(mark: StoredMark | undefined): void {
    if (!mark) return;
    this.#timeframe.reveal(mark.at);
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

  #lanes(): readonly Lane[] {
    return visibleLanes(this.#store, this.#filter.server, this.#timeframe.range);
  }

  #momentAt(x: number): number {
    return momentOf(x - this.#chart.gutter, { ...this.#timeframe.range, width: this.#chart.axisWidth });
  }

  #momentNear({ x, y }: Place): Moment | undefined {
    const lane = this.#chart.laneAt(this.#lanes(), y);
    return lane && x >= this.#chart.gutter ? this.#around(lane.id, this.#momentAt(x)) : undefined;
  }

  #around(lane: number, at: number): Moment {
    const reach = (spanOf(this.#timeframe.range) / this.#chart.axisWidth) * REACH;
    return { lane, from: at - reach, to: at + reach };
  }

  #told(moment: Moment): Told {
    const { strings } = this.#shown;
    // A little later than its middle, which is not to be missed for the rounding of halves.
    const phase = this.#store.phaseAt(moment.lane, (moment.from + moment.to) / 2 + 0.5);
    const title = this.#store.lane(moment.lane)?.title ?? '';
    const words = phase ? `: ${phaseWords(phase, strings)}` : '';
    return { heading: `${title}${words}`, marks: marksAt(this.#filtered, moment) };
  }

  #tellChosen(): void {
    if (!this.#chosen) {
      this.#details.show(undefined);
      return;
    }
    const { heading, marks } = this.#told(this.#chosen);
    const cursor = this.#cursor;
    // What the keyboard is at comes first, whatever else there was at that moment.
    const others = marks.filter((mark) => mark !== cursor);
    this.#details.show({ heading, marks: cursor ? [cursor, ...others] : others });
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
    const { range } = this.#timeframe;
    this.#toolbar.update({
      view: this.#view,
      filter: this.#filter,
      follows: range.follows,
      servers: [...new Set(this.#store.lanes.map(({ server }) => server))],
    });
    if (this.#view === 'chart') this.#drawChart(range);
    clearTimeout(this.#timer);
    if (range.follows && this.#view === 'chart') this.#timer = setTimeout(() => this.#draw(), this.#pace());
  }

  #drawChart(range: Range): void {
    const scene: Scene = {
      store: this.#store,
      filtered: this.#filtered,
      lanes: this.#lanes(),
      scale: { from: range.from, to: range.to, width: this.#chart.axisWidth },
      gutter: this.#chart.gutter,
      now: this.#timeframe.now,
      palette: this.#palette,
      strings: this.#shown.strings,
      words: this.#words,
      chosen: this.#chosen,
      cursor: this.#cursor,
      pointed:
        this.#pointed && this.#pointed.x >= this.#chart.gutter ? this.#momentAt(this.#pointed.x) : undefined,
    };
    const calls = between(this.#filtered.calls, range.from, range.to);
    this.#chart.draw(scene, calls, this.#emptyWords(scene.lanes));
  }

  #emptyWords(lanes: readonly Lane[]): string {
    const { noFacts, noMatch } = this.#shown.strings;
    if (this.#store.marks.length === 0) return noFacts;
    return lanes.length === 0 || this.#filtered.marks.length === 0 ? noMatch : '';
  }

  #pace(): number {
    const isReduced = matchMedia('(prefers-reduced-motion: reduce)').matches;
    return isReduced ? REDUCED_PACE_MS : this.#timeframe.pace(this.#chart.axisWidth);
  }
}
