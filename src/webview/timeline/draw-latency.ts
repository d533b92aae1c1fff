import { placeOf } from './detail-levels.ts';
import { drawGrid, drawPointed, type Scene } from './draw-lanes.ts';
import { bucketsOf, type DurationAxis, type Latencies, shareOf } from './latency.ts';
import type { StoredMark } from './store.ts';
import { durationTicks } from './ticks.ts';
import { durationWords } from './words.ts';

/** What the two drawings of latencies show. */
export interface LatencyScene {
  readonly calls: readonly StoredMark[];
  readonly latencies: Latencies;
  readonly axis: DurationAxis;
  readonly language: string;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Kept free above and below, so that marks at the ends are whole. */
const MARGIN = 8;

function heightOf(ms: number, axis: DurationAxis, height: number): number {
  return height - MARGIN - shareOf(ms, axis) * (height - 2 * MARGIN);
}

/** How long each call took, by the time at which it was answered. Both axes are drawn; that of durations is logarithmic. */
export function drawLatency(
  context: CanvasRenderingContext2D,
  scene: Scene,
  { calls, latencies, axis, language }: LatencyScene,
  { width, height }: Size,
): void {
  const { gutter, palette, scale, strings } = scene;
  context.save();
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  context.font = palette.smallFont;
  drawGrid(context, scene, height);
  for (const value of durationTicks(axis.shortest, axis.longest)) {
    const y = Math.round(heightOf(value, axis, height));
    context.fillStyle = palette.line;
    context.fillRect(gutter, y, width - gutter, 1);
    context.fillStyle = palette.muted;
    context.fillText(durationWords(value, strings.units, language), gutter - 8, y);
  }
  context.beginPath();
  context.rect(gutter, 0, scale.width, height);
  context.clip();
  context.fillStyle = palette.kinds.call;
  for (const [x, y] of pointsOf(calls, scene, axis, height)) context.fillRect(x - 1.5, y - 1.5, 3, 3);
  drawQuantiles(context, scene, latencies, (ms) => heightOf(ms, axis, height));
  drawPointed(context, scene, 0, height);
  context.restore();
}

/** One place for all calls that would cover each other. */
function pointsOf(
  calls: readonly StoredMark[],
  { gutter, scale }: Scene,
  axis: DurationAxis,
  height: number,
): readonly (readonly [number, number])[] {
  const taken = new Set<number>();
  const points: (readonly [number, number])[] = [];
  for (const { at, durationMs = 0 } of calls) {
    const x = Math.round(gutter + placeOf(at, scale));
    const y = Math.round(heightOf(durationMs, axis, height));
    const key = x * 4096 + y;
    if (taken.has(key)) continue;
    taken.add(key);
    points.push([x, y]);
  }
  return points;
}

/** The least distance of the middles of two names, in CSS pixels. */
const NAME_GAP = 13;

function drawQuantiles(
  context: CanvasRenderingContext2D,
  scene: Scene,
  { p50, p95 }: Latencies,
  placed: (ms: number) => number,
): void {
  if (p50 === undefined || p95 === undefined) return;
  const [low, high] = [placed(p50), placed(p95)];
  const apart = Math.max(0, NAME_GAP - (low - high)) / 2;
  drawQuantile(context, scene, { y: low, nameY: low + apart, name: 'p50', dashes: [] });
  drawQuantile(context, scene, { y: high, nameY: high - apart, name: 'p95', dashes: [4, 4] });
}

interface Quantile {
  readonly y: number;
  readonly name: string;
  readonly nameY: number;
  readonly dashes: readonly number[];
}

function drawQuantile(
  context: CanvasRenderingContext2D,
  { gutter, palette, scale }: Scene,
  { y, name, nameY, dashes }: Quantile,
): void {
  const end = gutter + scale.width;
  const room = context.measureText(name).width + 8;
  context.strokeStyle = palette.foreground;
  context.lineWidth = 1;
  context.setLineDash([...dashes]);
  context.beginPath();
  context.moveTo(gutter, Math.round(y) + 0.5);
  context.lineTo(end - room, Math.round(y) + 0.5);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = palette.background;
  context.fillRect(end - room, nameY - NAME_GAP / 2, room, NAME_GAP);
  context.fillStyle = palette.foreground;
  context.fillText(name, end - 4, nameY);
}

/** How often each duration occurs, on the same axis of durations. */
export function drawDistribution(
  context: CanvasRenderingContext2D,
  { palette }: Scene,
  { calls, axis }: LatencyScene,
  { width, height }: Size,
): void {
  const count = Math.max(8, Math.floor((height - 2 * MARGIN) / 6));
  const buckets = bucketsOf(calls, axis, count);
  const most = buckets.reduce((high, each) => Math.max(high, each), 1);
  const tall = (height - 2 * MARGIN) / count;
  context.fillStyle = palette.line;
  context.fillRect(0, MARGIN, 1, height - 2 * MARGIN);
  context.fillStyle = palette.kinds.call;
  for (const [index, each] of buckets.entries()) {
    if (each === 0) continue;
    const y = height - MARGIN - (index + 1) * tall;
    context.fillRect(1, y, Math.max(2, (each / most) * (width - 8)), Math.max(1, tall - 1));
  }
}
