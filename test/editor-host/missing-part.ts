/** Something that a run needs is not there and could not be had. The message names it and says how to get it. */
export class MissingPartError extends Error {
  override readonly name = 'MissingPartError';
  /** The part, as a person would search for it: `chromium`, `g++`. */
  readonly part: string;

  constructor(part: string, remedy: string, options?: ErrorOptions) {
    super(`This needs ${part}. ${remedy}`, options);
    this.part = part;
  }
}
