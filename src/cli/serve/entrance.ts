import type { IncomingMessage } from 'node:http';
import { guard } from '../../endpoint/guard.ts';

export interface EntranceOptions {
  /** The path of the endpoint. */
  readonly path: string;
  /** Host names under which it may be addressed. */
  readonly allowedHosts: readonly string[];
  /** The largest body, in bytes. */
  readonly maxBodyBytes: number;
}

/** Why a request is not let in. */
export interface NotLetIn {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'DELETE']);
/** Fields that decide who is let in: of two it is never said which one counts (RFC 9110, 7.2; RFC 6454, 7). */
const ONCE = ['host', 'origin'] as const;

/**
 * Looks at the head of a request before anything of its body is read. Whoever is not let in learns nothing of what is
 * here: not the path either, which may be all that others do not know.
 */
export function notLetIn(request: IncomingMessage, options: EntranceOptions): NotLetIn | undefined {
  const { headersDistinct: headers, url = '', method = '' } = request;
  const doubled = ONCE.find((name) => (headers[name]?.length ?? 0) > 1);
  if (doubled) return { status: 400, message: `Bad Request: more than one ${doubled} header.` };
  if (!url.startsWith('/')) return { status: 400, message: 'Bad Request: the address cannot be read.' };
  const named = ONCE.flatMap((name) =>
    (headers[name] ?? []).map((value) => [name, value] as [string, string]),
  );
  const refusal = guard({ headers: new Headers(named), url: 'http://localhost/' }, options);
  if (refusal) return refusal;
  if (url.split('?', 1)[0] !== options.path) return { status: 404, message: 'There is nothing here.' };
  if (!METHODS.has(method)) {
    return { status: 405, message: 'Method not allowed.', headers: { allow: [...METHODS].join(', ') } };
  }
  return Number(headers['content-length']?.[0] ?? 0) > options.maxBodyBytes
    ? tooLarge(options.maxBodyBytes)
    : undefined;
}

export function tooLarge(maxBodyBytes: number): NotLetIn {
  return { status: 413, message: `The body is larger than ${maxBodyBytes} bytes.` };
}
