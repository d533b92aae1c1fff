import { element, Surface } from './dom.ts';
import { drawLanes, LAYOUT, type Scene } from './draw-lanes.ts';
import { drawDistribution, drawLatency } from './draw-latency.ts';
import { drawPhase } from './glyphs.ts';
import { type Intents, listenForIntents } from './intents.ts';
import { axisOf, type Latencies, latenciesOf } from './latency.ts';
import type { Lane, PhaseKind, Strings } from './messages.ts';
import type { Palette } from './palette.ts';
import type { StoredMark } from './store.ts';
import { countWords, durationWords } from './words.ts';

/** The width of the titles left of the time axis, in CSS pixels; less where there is little room. */
const GUTTER = { wide: 168, narrow: 96, enough: 560 } as const;

const EXPLAINED: readonly PhaseKind[] = ['session', 'unreachable', 'recovering', 'down'];

/** The picture: lanes, latencies over time and their distribution. */
export class Chart {
  readonly element: HTMLElement;
  readonly #strings: Strings;
  readonly #language: string;
  readonly #lanes: HTMLElement;
  readonly #spacer: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #figures: HTMLElement;
  readonly #swatches: readonly { readonly kind: PhaseKind; readonly surface: Surface }[];
  readonly #surfaces = {
    lanes: new Surface('lanes-canvas'),
    latency: new Surface('latency-canvas'),
    distribution: new Surface('distribution-canvas'),
  };

  constructor(strings: Strings, language: string, intents: Intents) {
    this.#strings = strings;
    this.#language = language;
    this.#spacer = element('div', { class: 'lanes-spacer' });
    this.#empty = element('p', { class: 'empty' });
    const help = element('p', { id: 'chart-help', class: 'visually-hidden' }, strings.chartHelp);
    this.#lanes = element(
      'div',
      {
        class: 'lanes',
        tabindex: '0',
        role: 'application',
        'aria-label': strings.chartLabel,
        'aria-describedby': 'chart-help',
      },
      this.#surfaces.lanes.canvas,
      this.#spacer,
    );
    this.#figures = element('dl', { class: 'figures' });
    this.#swatches = EXPLAINED.map((kind) => ({ kind, surface: new Surface('swatch') }));
    this.element = element(
      'div',
      { class: 'chart' },
      element('div', { class: 'lanes-frame' }, help, this.#lanes, this.#empty),
      this.#aside(),
      element('h2', { class: 'latency-title' }, strings.latency),
      element(
        'div',
        { class: 'latency', role: 'img', 'aria-label': strings.latencyLabel },
        this.#surfaces.latency.canvas,
      ),
      element('h2', { class: 'distribution-title' }, strings.distribution),
      element(
        'div',
        { class: 'distribution', role: 'img', 'aria-label': strings.distributionLabel },
        this.#surfaces.distribution.canvas,
      ),
    );
    listenForIntents(this.#lanes, intents, () => this.gutter);
  }

  /** The width of the titles, in CSS pixels. */
  get gutter(): number {
    return this.#lanes.clientWidth < GUTTER.enough ? GUTTER.narrow : GUTTER.wide;
  }

  /** The width of the time axis, in CSS pixels. */
  get axisWidth(): number {
    return Math.max(1, this.#lanes.clientWidth - this.gutter);
  }

  get box(): DOMRect {
    return this.#lanes.getBoundingClientRect();
  }

  onScroll(listener: () => void): void {
    this.#lanes.addEventListener('scroll', listener);
  }

  onResize(listener: () => void): void {
    new ResizeObserver(listener).observe(this.element);
  }

  focus(): void {
    this.#lanes.focus();
  }

  /** The lane at a height, in CSS pixels from the top of the visible area. */
  laneAt(lanes: readonly Lane[], y: number): Lane | undefined {
    const place = y - LAYOUT.axis + this.#lanes.scrollTop;
    return y < LAYOUT.axis ? undefined : lanes[Math.floor(place / LAYOUT.lane)];
  }

  /** Scrolls a lane into view. */
  reveal(index: number): void {
    const top = index * LAYOUT.lane;
    const room = this.#lanes.clientHeight - LAYOUT.axis - LAYOUT.lane;
    if (top < this.#lanes.scrollTop) this.#lanes.scrollTop = top;
    else if (top > this.#lanes.scrollTop + room) this.#lanes.scrollTop = top - room;
  }

  /** @param calls those between the ends of the time axis. @param emptyWords why there is nothing to see, if so. */
  draw(scene: Scene, calls: readonly StoredMark[], emptyWords: string): void {
    // The axis of all calls, so that it stays where it is while the time moves.
    const axis = axisOf(scene.filtered.calls);
    const latency = { calls, latencies: latenciesOf(calls), axis, language: this.#language };

    this.#spacer.style.height = `${scene.lanes.length * LAYOUT.lane + LAYOUT.axis}px`;
    const { lanes, latency: plot, distribution } = this.#surfaces;
    const size = { width: this.#lanes.clientWidth, height: this.#lanes.clientHeight };
    lanes.canvas.style.height = `${size.height}px`;
    if (lanes.begin(size.width, size.height)) drawLanes(lanes.context, scene, size, this.#lanes.scrollTop);
    if (plot.begin()) drawLatency(plot.context, scene, latency, plot);
    if (distribution.begin()) drawDistribution(distribution.context, scene, latency, distribution);
    this.#empty.textContent = emptyWords;
    this.#empty.hidden = emptyWords === '';
    this.#tellFigures(latency.latencies);
  }

  /** Draws the explanations, which change with the theme only. */
  drawLegend(palette: Palette): void {
    for (const { kind, surface } of this.#swatches) {
      if (!surface.begin(28, 14)) continue;
      drawPhase(surface.context, kind, { x: 0, y: 0, width: 28, height: 14 }, palette);
    }
  }

  #aside(): HTMLElement {
    const legend = this.#swatches.map(({ kind, surface }) =>
      element('li', {}, surface.canvas, this.#strings.phases[kind]),
    );
    return element(
      'section',
      // Where it is too high it scrolls, by keyboard as well.
      { class: 'aside', tabindex: '0', 'aria-label': this.#strings.aside },
      this.#figures,
      element('h2', {}, this.#strings.legend),
      element('ul', { class: 'legend' }, ...legend),
    );
  }

  #tellFigures({ count, p50, p95, p99, max }: Latencies): void {
    const { calls, median, slowest, noCalls, units } = this.#strings;
    const words = (ms: number | undefined) =>
      ms === undefined ? '–' : durationWords(ms, units, this.#language);
    const figures: readonly (readonly [string, string])[] =
      count === 0
        ? [[calls, noCalls]]
        : [
            [calls, countWords(count, this.#language)],
            [median, words(p50)],
            ['p95', words(p95)],
            ['p99', words(p99)],
            [slowest, words(max)],
          ];
    const text = figures.flat().join('\n');
    // Unchanged text is left alone, so that a screen reader is not interrupted.
    if (this.#figures.dataset.text === text) return;
    this.#figures.dataset.text = text;
    this.#figures.replaceChildren(
      ...figures.map(([name, value]) =>
        element('div', {}, element('dt', {}, name), element('dd', {}, value)),
      ),
    );
  }
}
