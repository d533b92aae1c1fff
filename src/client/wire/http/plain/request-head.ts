/** Said where the user says nothing, as `fetch` does: there are firewalls that let nobody in without it. */
const USER_AGENT = 'resilient-mcp';

/** Fields that say how the body comes, which is ours to say. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** The fields of a request, names in lower case; what is no field is refused (`Headers` of the Fetch standard). */
export function requestFields(given: RequestInit['headers']): Record<string, string> {
  // Without it a server may choose any coding (RFC 9110, 12.5.3). Some choose one in spite of it.
  const fields: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': USER_AGENT };
  for (const [name, value] of given instanceof Headers ? given : new Headers(given)) fields[name] = value;
  return fields;
}

/** The heads of requests of HTTP/1.1. Fields that can't change are written once. */
export class RequestHeads {
  readonly #written = new WeakMap<object, { readonly host: string; readonly text: string }>();

  /** @param body what follows */
  of(method: string, url: URL, given: RequestInit['headers'], body: string): string {
    const needsLength = body !== '' || !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method);
    const length = needsLength ? `content-length: ${Buffer.byteLength(body)}\r\n` : '';
    return `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${this.#fields(url, given)}${length}\r\n`;
  }

  #fields(url: URL, given: RequestInit['headers']): string {
    const isFixed = given !== undefined && !(given instanceof Headers) && Object.isFrozen(given);
    if (!isFixed) return written(url, given);
    const known = this.#written.get(given);
    if (known?.host === url.host) return known.text;
    const text = written(url, given);
    this.#written.set(given, { host: url.host, text });
    return text;
  }
}

function written({ host }: URL, given: RequestInit['headers']): string {
  let text = '';
  for (const [name, value] of Object.entries({ host, connection: 'keep-alive', ...requestFields(given) })) {
    if (!FRAMING.has(name)) text += `${name}: ${value}\r\n`;
  }
  return text;
}
