import type { MarkKind, PhaseKind } from './messages.ts';
import type { Palette } from './palette.ts';

/** Marks differ by shape as well as by colour. */
export function drawGlyph(
  context: CanvasRenderingContext2D,
  kind: MarkKind,
  x: number,
  y: number,
  palette: Palette,
  radius = 5,
): void {
  const colour = palette.kinds[kind];
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  switch (kind) {
    case 'call':
      context.rect(x - 1.5, y - radius, 3, 2 * radius);
      context.fill();
      break;
    case 'replay':
      polygon(context, x, y, radius, [
        [0, -1],
        [1, 0.8],
        [-1, 0.8],
      ]);
      context.fill();
      break;
    case 'recovery':
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
      break;
    case 'fault':
      context.moveTo(x - radius + 1, y - radius + 1);
      context.lineTo(x + radius - 1, y + radius - 1);
      context.moveTo(x + radius - 1, y - radius + 1);
      context.lineTo(x - radius + 1, y + radius - 1);
      context.lineWidth = 2.5;
      context.stroke();
      break;
    case 'session':
      polygon(context, x, y, radius, [
        [0, -1],
        [1, 0],
        [0, 1],
        [-1, 0],
      ]);
      context.fill();
      break;
    case 'note':
      context.lineWidth = 1.5;
      context.arc(x, y, radius - 2, 0, 2 * Math.PI);
      context.stroke();
      break;
  }
}

function polygon(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  corners: readonly (readonly [number, number])[],
): void {
  for (const [dx, dy] of corners) context.lineTo(x + dx * radius, y + dy * radius);
  context.closePath();
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Phases differ by pattern as well as by colour. @param even for sessions: neighbours are told apart by their tint. */
export function drawPhase(
  context: CanvasRenderingContext2D,
  kind: PhaseKind,
  box: Box,
  palette: Palette,
  even = false,
): void {
  const { session, recovery, fault } = palette.kinds;
  switch (kind) {
    case 'session':
      tint(context, box, session, even ? 0.4 : 0.2);
      break;
    case 'unreachable':
      tint(context, box, session, 0.1);
      hatch(context, box, recovery, 9, [1]);
      break;
    case 'recovering':
      hatch(context, box, recovery, 5, [1]);
      break;
    case 'down':
      tint(context, box, fault, 0.15);
      hatch(context, box, fault, 6, [1, -1]);
      break;
    case 'connecting':
      hatch(context, box, palette.muted, 9, [1]);
      break;
    case 'ended':
      break;
  }
}

function tint(context: CanvasRenderingContext2D, box: Box, colour: string, strength: number): void {
  context.save();
  context.globalAlpha = strength;
  context.fillStyle = colour;
  context.fillRect(box.x, box.y, box.width, box.height);
  context.restore();
  outline(context, box, colour);
}

/** Lines that lean to the right (1) or to the left (-1), so many pixels apart, in the same places whatever the box. */
function hatch(
  context: CanvasRenderingContext2D,
  box: Box,
  colour: string,
  gap: number,
  leans: readonly (1 | -1)[],
): void {
  const { x, y, width, height } = box;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.beginPath();
  for (const lean of leans) {
    for (let at = Math.floor((x - height) / gap) * gap; at < x + width + height; at += gap) {
      context.moveTo(at, lean > 0 ? y + height : y);
      context.lineTo(at + height, lean > 0 ? y : y + height);
    }
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.25;
  context.stroke();
  context.restore();
  outline(context, box, colour);
}

function outline(context: CanvasRenderingContext2D, { x, y, width, height }: Box, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, Math.max(0, width - 1), height - 1);
}
