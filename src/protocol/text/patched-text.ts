import { type Members, membersAt, type Span } from './json-text.ts';

/** Something that stands in the place of a part of a text. */
interface Patch {
  readonly span: Span;
  readonly text: string;
}

/** The JSON text of an object, in which parts may be replaced. Nothing is copied before it is asked for. */
export class PatchedText {
  readonly members: Members;
  readonly #text: string;
  readonly #patches: readonly Patch[];
  /** Members of members, by where these begin. */
  readonly #inner: Map<number, Members>;

  constructor(
    text: string,
    members: Members,
    patches: readonly Patch[] = [],
    inner: Map<number, Members> = new Map(),
  ) {
    this.#text = text;
    this.members = members;
    this.#patches = patches;
    this.#inner = inner;
  }

  get isPatched(): boolean {
    return this.#patches.length > 0;
  }

  /** The first character of a part as it came, which says of what kind it is. */
  firstOf({ start }: Span): string | undefined {
    return this.#text[start];
  }

  /** Where a place is; undefined when it is not there, or in something that was replaced. */
  spanAt(path: readonly string[]): Span | undefined {
    let span: Span = { start: 0, end: this.#text.length };
    let members = this.members;
    for (const [index, key] of path.entries()) {
      if (index > 0) {
        const { start } = span;
        if (this.firstOf(span) !== '{' || this.#patches.some((patch) => patch.span.start === start))
          return undefined;
        members = this.#inner.get(start) ?? membersAt(this.#text, span);
        this.#inner.set(start, members);
      }
      const found = members.get(key);
      if (!found) return undefined;
      span = found;
    }
    return span;
  }

  /** A part with what was replaced in it; without one, all of it. */
  part({ start, end }: Span = { start: 0, end: this.#text.length }): string {
    const within = this.#patches.filter(({ span }) => span.start >= start && span.end <= end);
    if (within.length === 0) return this.#text.slice(start, end);
    let out = '';
    let at = start;
    for (const { span, text } of within.sort((a, b) => a.span.start - b.span.start)) {
      out += this.#text.slice(at, span.start) + text;
      at = span.end;
    }
    return out + this.#text.slice(at, end);
  }

  /** The same with a part replaced, under a key that is named twice both times. */
  with(part: Span, text: string): PatchedText {
    const places: Span[] = [];
    for (let each: Span | undefined = part; each; each = each.earlier) places.push(each);
    const others = this.#patches.filter(
      ({ span }) => !places.some(({ start, end }) => span.start >= start && span.end <= end),
    );
    const patches = [...others, ...places.map((span) => ({ span, text }))];
    return new PatchedText(this.#text, this.members, patches, this.#inner);
  }
}
