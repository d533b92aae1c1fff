import { passesFor } from './lean.ts';

/** An answer of which everything is known at once. */
export interface AnswerParts {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for an answer without a body. */
  readonly body?: string | undefined;
}

/**
 * What looks like a `Response` and becomes one when it has to, as a lean request does (lean-request.ts): an adapter of
 * this project can send its parts as they are, and then needs neither the headers nor the stream of a real one.
 */
export function leanAnswer(parts: AnswerParts): Response {
  // All members are there; those that are not written out below have been added to the prototype.
  return new LeanAnswer(parts) as unknown as Response;
}

/** The same, for one who may do anything with it. */
export function wholeAnswer({ status, headers, body }: AnswerParts): Response {
  return new Response(body ?? null, { status, headers });
}

/** The parts of a lean answer that nobody has made a real one of; undefined for every other. */
export function partsOf(answer: Response): AnswerParts | undefined {
  return answer instanceof LeanAnswer ? answer.parts : undefined;
}

class LeanAnswer {
  readonly status: number;
  readonly ok: boolean;
  readonly #parts: AnswerParts;
  #whole: Response | undefined;

  constructor(parts: AnswerParts) {
    this.status = parts.status;
    this.ok = parts.status >= 200 && parts.status <= 299;
    this.#parts = parts;
  }

  get parts(): AnswerParts | undefined {
    // What was made of it may have been changed since.
    return this.#whole ? undefined : this.#parts;
  }

  get whole(): Response {
    this.#whole ??= wholeAnswer(this.#parts);
    return this.#whole;
  }
}

passesFor(LeanAnswer.prototype, Response.prototype, ['status', 'ok']);
