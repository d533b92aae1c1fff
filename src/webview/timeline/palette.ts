import { MARK_KINDS, type MarkKind } from './messages.ts';

/** The colours of the theme, as the style sheet maps them, for what is drawn. */
export interface Palette {
  readonly foreground: string;
  readonly background: string;
  readonly muted: string;
  readonly line: string;
  readonly focus: string;
  readonly kinds: Readonly<Record<MarkKind, string>>;
  /** Of text on a canvas: `12px sans-serif`. */
  readonly font: string;
  readonly smallFont: string;
}

/** Reads the custom properties of timeline.css. They follow the theme, and in forced colours the system. */
export function readPalette(root: Element): Palette {
  const style = getComputedStyle(root);
  const read = (name: string) => style.getPropertyValue(`--timeline-${name}`).trim() || 'CanvasText';
  const size = Number.parseFloat(style.fontSize) || 13;
  return {
    foreground: read('foreground'),
    background: read('background'),
    muted: read('muted'),
    line: read('line'),
    focus: read('focus'),
    kinds: Object.fromEntries(MARK_KINDS.map((kind) => [kind, read(kind)])) as Record<MarkKind, string>,
    font: `${size}px ${style.fontFamily}`,
    smallFont: `${Math.round(size * 0.85)}px ${style.fontFamily}`,
  };
}

/** Calls `listener` when the theme, the colours of the system or the size of a pixel may have changed. */
export function onAppearance(listener: () => void): void {
  // The editor changes the class of the body and the custom properties of the root.
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  for (const query of ['(forced-colors: active)', '(prefers-color-scheme: dark)']) {
    matchMedia(query).addEventListener('change', listener);
  }
}
