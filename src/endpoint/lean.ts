interface Lean {
  /** The real object, made when it is first asked for. */
  readonly whole: object;
}

/**
 * Makes the objects of a lean class pass for those of a class of the platform: whatever they do not say themselves, the
 * real object answers, also what a later version of the SDK may ask.
 * @param own what the lean objects have besides what their prototype has
 */
export function passesFor(lean: Lean, real: object, own: readonly string[]): void {
  for (const name of Reflect.ownKeys(real)) {
    if (Object.hasOwn(lean, name) || own.includes(String(name))) continue;
    Object.defineProperty(lean, name, {
      get(this: Lean): unknown {
        const member: unknown = Reflect.get(this.whole, name);
        return typeof member === 'function' ? member.bind(this.whole) : member;
      },
    });
  }
  Object.setPrototypeOf(lean, real);
}
