import { barsOf, callsUnderWay, clustersOf, density, placeOf, type Scale } from './detail-levels.ts';
import type { Filtered, LaneMarks } from './filter.ts';
import { drawGlyph, drawPhase } from './glyphs.ts';
import type { Lane, Phase, Strings } from './messages.ts';
import type { Moment } from './moment.ts';
import type { Palette } from './palette.ts';
import type { Store, StoredMark } from './store.ts';
import { timeTicks } from './ticks.ts';
import { fill, type MomentWords } from './words.ts';

/** Places in CSS pixels. A lane holds its phases, below them its events, below them its calls. */
export const LAYOUT = {
  axis: 24,
  lane: 68,
  band: { top: 8, height: 16 },
  events: { middle: 35 },
  calls: { top: 46, height: 16, rows: 3 },
} as const;

/** With more calls than this for each 100 pixels they are drawn as a density. */
const BARS_PER_100 = 12;
const COLUMN = 3;
const CLUSTER_GAP = 14;

/** What the drawings have in common. */
export interface Scene {
  readonly store: Store;
  readonly filtered: Filtered;
  readonly lanes: readonly Lane[];
  /** The time axis. Places are counted from its left edge, which is `gutter` pixels into the canvas. */
  readonly scale: Scale;
  readonly gutter: number;
  readonly now: number;
  readonly palette: Palette;
  readonly strings: Strings;
  readonly words: MomentWords;
  /** What a person has chosen. */
  readonly chosen: Moment | undefined;
  /** The mark that the keyboard is at. */
  readonly cursor: StoredMark | undefined;
  /** Where a person points at, in ms since the epoch. */
  readonly pointed: number | undefined;
}

/** Draws the axis and as many lanes as are to be seen. @param top how far the lanes are scrolled, in CSS pixels. */
export function drawLanes(
  context: CanvasRenderingContext2D,
  scene: Scene,
  size: { readonly width: number; readonly height: number },
  top: number,
): void {
  context.save();
  context.textBaseline = 'middle';
  context.beginPath();
  context.rect(0, LAYOUT.axis, size.width, size.height - LAYOUT.axis);
  context.clip();
  drawGrid(context, scene, size.height);
  for (const [index, lane] of scene.lanes.entries()) {
    const y = LAYOUT.axis + index * LAYOUT.lane - top;
    if (y > size.height || y + LAYOUT.lane < LAYOUT.axis) continue;
    drawLane(context, scene, lane, y, size.width);
  }
  drawPointed(context, scene, 0, size.height);
  context.restore();
  drawAxis(context, scene);
}

/** Where the time is pointed at, over all drawings. */
export function drawPointed(
  context: CanvasRenderingContext2D,
  scene: Scene,
  y: number,
  height: number,
): void {
  const { gutter, palette, pointed, scale } = scene;
  if (pointed === undefined) return;
  context.fillStyle = palette.foreground;
  context.globalAlpha = 0.5;
  context.fillRect(gutter + Math.round(placeOf(pointed, scale)), y, 1, height);
  context.globalAlpha = 1;
}

/** A line for each round time. */
export function drawGrid(context: CanvasRenderingContext2D, scene: Scene, height: number): void {
  const { gutter, palette, scale } = scene;
  context.fillStyle = palette.line;
  for (const value of ticksOf(scale).values) {
    context.fillRect(gutter + Math.round(placeOf(value, scale)), 0, 1, height);
  }
}

function ticksOf({ from, to, width }: Scale) {
  return timeTicks(from, to, width / 110, -new Date(to).getTimezoneOffset() * 60_000);
}

function drawAxis(context: CanvasRenderingContext2D, { gutter, palette, scale, words }: Scene): void {
  context.save();
  context.font = palette.smallFont;
  context.fillStyle = palette.muted;
  context.textBaseline = 'middle';
  const { values, step } = ticksOf(scale);
  for (const value of values) {
    const place = placeOf(value, scale);
    const text = words.tick(value, step);
    // The last one is left out where it would be cut off.
    if (place + context.measureText(text).width + 4 > scale.width) continue;
    context.fillText(text, gutter + place + 4, LAYOUT.axis / 2);
  }
  context.restore();
}

function drawLane(
  context: CanvasRenderingContext2D,
  scene: Scene,
  lane: Lane,
  y: number,
  width: number,
): void {
  const { chosen, cursor, filtered, gutter, palette, scale } = scene;
  context.fillStyle = palette.line;
  context.fillRect(0, y + LAYOUT.lane - 1, width, 1);
  drawTitle(context, scene, lane, y);
  context.save();
  context.beginPath();
  context.rect(gutter, y, scale.width, LAYOUT.lane);
  context.clip();
  context.translate(gutter, y);
  if (chosen?.lane === lane.id) drawChosen(context, scene, chosen);
  drawPhases(context, scene, lane);
  const marks = filtered.byLane.get(lane.id);
  if (marks) {
    drawCalls(context, marks, scene);
    drawEvents(context, marks, scene);
  }
  if (cursor?.lane === lane.id) drawCursor(context, scene, cursor);
  context.restore();
}

function drawTitle(context: CanvasRenderingContext2D, scene: Scene, lane: Lane, y: number): void {
  const { gutter, now, palette, store, strings } = scene;
  const room = gutter - 16;
  context.font = palette.font;
  context.fillStyle = palette.foreground;
  context.fillText(shortened(context, lane.title, room), 8, y + LAYOUT.band.top + LAYOUT.band.height / 2);
  const phase = store.phaseAt(lane.id, now);
  if (!phase) return;
  context.font = palette.smallFont;
  context.fillStyle = palette.muted;
  context.fillText(shortened(context, phaseWords(phase, strings), room), 8, y + LAYOUT.events.middle);
}

/** `connected, generation 3`; `down`. */
export function phaseWords({ kind, generation }: Phase, strings: Strings): string {
  const words = strings.phases[kind];
  return kind === 'session' ? `${words}, ${fill(strings.generation, generation)}` : words;
}

function shortened(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return `${text.slice(0, length)}…`;
}

function drawPhases(context: CanvasRenderingContext2D, scene: Scene, lane: Lane): void {
  const { now, palette, scale, store, strings } = scene;
  const { top, height } = LAYOUT.band;
  const phases = store.phases(lane.id);
  context.font = palette.smallFont;
  for (const [index, phase] of phases.entries()) {
    const end = phases[index + 1]?.from ?? now;
    if (end < scale.from || phase.from > scale.to) continue;
    // A little beyond the edges: what goes on there has no end here.
    const x = Math.max(placeOf(phase.from, scale), -2);
    const width = Math.max(Math.min(placeOf(end, scale), scale.width + 2) - x, 2);
    drawPhase(context, phase.kind, { x, y: top, width, height }, palette, phase.generation % 2 === 0);
    if (phase.kind !== 'session') continue;
    const text = [fill(strings.generation, phase.generation), String(phase.generation)].find(
      (each) => context.measureText(each).width + 10 < width - Math.max(0, -x),
    );
    if (text === undefined) continue;
    context.fillStyle = palette.foreground;
    context.fillText(text, Math.max(x, 0) + 5, top + height / 2 + 0.5);
  }
}

function drawCalls(context: CanvasRenderingContext2D, marks: LaneMarks, scene: Scene): void {
  const { palette, scale } = scene;
  const { top, height, rows } = LAYOUT.calls;
  const shown = callsUnderWay(marks.calls, marks.longestMs, scale);
  context.fillStyle = palette.kinds.call;
  if (shown.length * 100 <= scale.width * BARS_PER_100) {
    const rowHeight = height / rows;
    for (const { start, end, row } of barsOf(shown, scale, rows)) {
      context.fillRect(start, top + row * rowHeight, end - start, rowHeight - 1);
    }
    return;
  }
  const columns = density(marks.calls, scale, COLUMN);
  const most = columns.reduce((high, each) => Math.max(high, each), 1);
  for (const [column, count] of columns.entries()) {
    if (count === 0) continue;
    const tall = Math.max(2, (count / most) * height);
    context.fillRect(column * COLUMN, top + height - tall, COLUMN - 1, tall);
  }
}

function drawEvents(context: CanvasRenderingContext2D, { events }: LaneMarks, scene: Scene): void {
  const { palette, scale } = scene;
  const clusters = clustersOf(events, scale, CLUSTER_GAP);
  context.font = palette.smallFont;
  for (const [index, { place, kind, count }] of clusters.entries()) {
    drawGlyph(context, kind, place, LAYOUT.events.middle, palette);
    const next = clusters[index + 1]?.place ?? scale.width + CLUSTER_GAP;
    const text = String(count);
    if (count < 2 || next - place < 16 + context.measureText(text).width) continue;
    context.fillStyle = palette.foreground;
    context.fillText(text, place + 8, LAYOUT.events.middle + 0.5);
  }
}

function drawChosen(context: CanvasRenderingContext2D, { palette, scale }: Scene, chosen: Moment): void {
  const x = placeOf(chosen.from, scale);
  const width = Math.max(placeOf(chosen.to, scale) - x, 3);
  context.globalAlpha = 0.25;
  context.fillStyle = palette.focus;
  context.fillRect(x, 2, width, LAYOUT.lane - 5);
  context.globalAlpha = 1;
  context.strokeStyle = palette.focus;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, 2.5, width - 1, LAYOUT.lane - 6);
}

function drawCursor(context: CanvasRenderingContext2D, { palette, scale }: Scene, cursor: StoredMark): void {
  const place = placeOf(cursor.at, scale);
  context.strokeStyle = palette.focus;
  context.lineWidth = 2;
  context.strokeRect(place - 9, 3, 18, LAYOUT.lane - 8);
}
