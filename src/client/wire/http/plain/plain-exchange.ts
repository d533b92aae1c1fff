import { nextTurn } from '../../../../base/environment.ts';
import type { HttpBody, HttpInit, HttpResponse } from '../../../../base/http-client.ts';
import { abortError } from '../node/incoming-body.ts';
import { type AnswerHead, fieldOf } from './answer-reader.ts';
import { ArrivingBody } from './arriving-body.ts';
import type { PlainConnection } from './plain-connection.ts';

/** Undoes the codings of a body, by the value of `Content-Encoding`. */
export type Decode = (body: HttpBody, contentEncoding: string, signal: HttpInit['signal']) => HttpBody;

/** One request on a connection, up to the head of its answer. */
export function exchanged(
  connection: PlainConnection,
  head: string,
  { method = 'GET', body: sent, signal }: HttpInit,
  decode: Decode,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const body = new ArrivingBody({
      pause: () => connection.pause(),
      resume: () => connection.resume(),
      drop: () => connection.destroy(),
    });
    let isOver = false;
    let hasHead = false;
    const over = () => {
      isOver = true;
      signal?.removeEventListener('abort', abortSoon);
    };
    const abort = () => {
      if (!isOver) connection.destroy(abortError(signal?.reason));
    };
    // A session that is lost ends its stream, and asks for another session: that request is sent before this is closed.
    const abortSoon = () => void nextTurn().then(abort);
    signal?.addEventListener('abort', abortSoon);
    connection.send({
      head,
      body: typeof sent === 'string' ? sent : '',
      isBodiless: method === 'HEAD',
      onHead: (answer) => {
        hasHead = true;
        const coding = fieldOf(answer, 'content-encoding');
        resolve(responseOf(answer, coding === undefined ? body : decode(body, coding, signal)));
      },
      onBody: (part) => body.push(part),
      onEnd: () => {
        over();
        body.finish('whole');
      },
      onFailure: (error) => {
        over();
        const ending = signal?.aborted ? abortError(signal.reason) : error;
        if (!hasHead) reject(ending);
        body.finish({ error: ending });
      },
    });
  });
}

function responseOf(head: AnswerHead, body: HttpBody): HttpResponse {
  const { status, statusText } = head;
  return {
    ok: status >= 200 && status <= 299,
    status,
    statusText,
    headers: new AnswerFields(head),
    body,
  };
}

class AnswerFields {
  readonly #head: AnswerHead;

  constructor(head: AnswerHead) {
    this.#head = head;
  }

  get(name: string): string | null {
    return fieldOf(this.#head, name.toLowerCase()) ?? null;
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    for (const [name, value] of this.#head.fields) yield [name, value];
  }
}
