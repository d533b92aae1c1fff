/** A point in the lanes, in CSS pixels from the top left of their visible area. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** What a person can do to the chart, whether with a pointer, keys or buttons. */
export interface Intents {
  /** Shows `factor` times as much time. `x` stays fixed; default: the selection, or the middle. */
  zoom(factor: number, x?: number): void;
  /** Moves by a share of the visible range; positive: to later times. */
  pan(share: number): void;
  point(place: Place | undefined): void;
  choose(place: Place): void;
  /** To the next or the previous mark of the lane. */
  step(direction: 1 | -1, among: 'all' | 'events'): void;
  changeLane(direction: 1 | -1): void;
  jump(to: 'first' | 'last'): void;
  fit(): void;
  follow(): void;
  clear(): void;
}

/** How much one turn of the wheel, one key or one button changes the time that is shown. */
export const ZOOM_STEP = 1.5;
/** The share of the visible range by which a key moves it. */
const PAN_STEP = 0.2;
/** Pixels of a wheel that double the time that is shown; of two fingers on a pad, which move less. */
const DOUBLING = { wheel: 300, pinch: 60 } as const;
/** Pixels that a pointer moves before it drags. */
const DRAG_THRESHOLD = 4;

type Modifiers = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

/** The intent of a key; undefined for keys of the editor or the browser. */
export function intentOfKey({
  key,
  shiftKey,
  ctrlKey,
  metaKey,
  altKey,
}: Modifiers): ((to: Intents) => void) | undefined {
  if (altKey) return undefined;
  const direction = key === 'ArrowLeft' ? -1 : key === 'ArrowRight' ? 1 : undefined;
  if (direction !== undefined && (ctrlKey || metaKey)) return (to) => to.step(direction, 'events');
  if (ctrlKey || metaKey) return undefined;
  if (direction !== undefined) {
    return shiftKey ? (to) => to.pan(direction * PAN_STEP) : (to) => to.step(direction, 'all');
  }
  return KEYS.get(key.toLowerCase());
}

const KEYS: ReadonlyMap<string, (to: Intents) => void> = new Map([
  ['arrowup', (to) => to.changeLane(-1)],
  ['arrowdown', (to) => to.changeLane(1)],
  ['home', (to) => to.jump('first')],
  ['end', (to) => to.jump('last')],
  ['+', (to) => to.zoom(1 / ZOOM_STEP)],
  ['=', (to) => to.zoom(1 / ZOOM_STEP)],
  ['-', (to) => to.zoom(ZOOM_STEP)],
  ['_', (to) => to.zoom(ZOOM_STEP)],
  ['0', (to) => to.fit()],
  ['f', (to) => to.fit()],
  ['l', (to) => to.follow()],
  ['escape', (to) => to.clear()],
]);

/** Lets keys and a pointer act on the lanes. @param gutter the width of what is left of the time axis. */
export function listenForIntents(element: HTMLElement, intents: Intents, gutter: () => number): void {
  element.addEventListener('keydown', (event) => {
    const act = intentOfKey(event);
    if (!act) return;
    event.preventDefault();
    act(intents);
  });
  element.addEventListener('wheel', (event) => onWheel(event, element, intents, gutter()), {
    passive: false,
  });
  element.addEventListener('pointerleave', () => intents.point(undefined));
  element.addEventListener('dblclick', (event) =>
    intents.zoom(1 / ZOOM_STEP ** 2, placeIn(element, event).x),
  );
  listenForDrag(element, intents, gutter);
}

function onWheel(event: WheelEvent, element: HTMLElement, intents: Intents, gutter: number): void {
  const { x } = placeIn(element, event);
  // Over the titles the wheel scrolls, as everywhere.
  if (x < gutter) return;
  event.preventDefault();
  const sideways = event.shiftKey ? event.deltaY + event.deltaX : event.deltaX;
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    intents.pan(sideways / (element.clientWidth - gutter));
  } else {
    // Two fingers that spread come as a wheel with the control key.
    intents.zoom(2 ** (event.deltaY / (event.ctrlKey ? DOUBLING.pinch : DOUBLING.wheel)), x);
  }
}

function listenForDrag(element: HTMLElement, intents: Intents, gutter: () => number): void {
  let pressed: { at: Place; last: number; isDragging: boolean } | undefined;
  element.addEventListener('pointerdown', (event) => {
    const place = placeIn(element, event);
    if (event.button !== 0 || place.x > element.clientWidth) return;
    pressed = { at: place, last: place.x, isDragging: false };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener('pointermove', (event) => {
    const place = placeIn(element, event);
    if (!pressed) {
      intents.point(place.x < gutter() ? undefined : place);
      return;
    }
    pressed.isDragging ||= Math.abs(place.x - pressed.at.x) > DRAG_THRESHOLD;
    if (!pressed.isDragging) return;
    intents.pan((pressed.last - place.x) / (element.clientWidth - gutter()));
    pressed.last = place.x;
  });
  element.addEventListener('pointerup', (event) => {
    if (pressed && !pressed.isDragging) intents.choose(placeIn(element, event));
    pressed = undefined;
  });
  element.addEventListener('pointercancel', () => {
    pressed = undefined;
  });
}

function placeIn(element: HTMLElement, event: MouseEvent): Place {
  const box = element.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
