type Attributes = Readonly<Record<string, string>>;

/** Makes an element. Text is only ever set as text, never as HTML. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button with a name that is read out, where its text alone says too little. */
export function button(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', onClick);
  return made;
}

/** A canvas that is as sharp as the screen, with its size in CSS pixels. */
export class Surface {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  width = 0;
  height = 0;

  constructor(className: string) {
    this.canvas = element('canvas', { class: className, 'aria-hidden': 'true' });
    const context = this.canvas.getContext('2d');
    if (!context) throw new Error('This browser draws no canvas.');
    this.context = context;
  }

  /** Clears it, at the size that it has in the page now or is given. False when there is no place to draw. */
  begin(width = this.canvas.clientWidth, height = this.canvas.clientHeight): boolean {
    const density = globalThis.devicePixelRatio || 1;
    [this.width, this.height] = [width, height];
    const [wide, high] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width !== wide) this.canvas.width = wide;
    if (this.canvas.height !== high) this.canvas.height = high;
    this.context.setTransform(density, 0, 0, density, 0, 0);
    this.context.clearRect(0, 0, width, height);
    return width > 0 && height > 0;
  }
}
