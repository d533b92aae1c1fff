import type { HttpRequest } from './http.ts';

const JSON_TYPE = 'application/json';
const EVENTS = 'text/event-stream';
const BOTH = `${JSON_TYPE}, ${EVENTS}`;

/** What a client means by its `Accept`: what a transport is to be told in its place, where that is not the same. */
interface Meaning {
  readonly accept?: string;
  /** Whether the client accepts JSON and no event stream. */
  readonly isJsonAlone: boolean;
}

/**
 * MCP wants both media types named for a POST, and the SDK's transport refuses anything else. Clients in use send
 * wildcards, other case, none at all, or JSON alone (docs-mcp-server#349, python-sdk#1641, typescript-sdk#1944); what they
 * mean is plain. What a client does not take at all stays refused.
 */
export function meantBy({ headers, method }: HttpRequest): Meaning {
  const accept = headers.get('accept');
  const isPost = method === 'POST';
  if (accept?.includes(EVENTS) && (!isPost || accept.includes(JSON_TYPE))) return { isJsonAlone: false };
  const ranges = rangesIn(accept);
  const takesJson = ranges.some((range) => /^(?:\*|application)\/(?:\*|json)$/.test(range));
  const takesEvents = ranges.some((range) => /^(?:\*|text)\/(?:\*|event-stream)$/.test(range));
  if (isPost ? !takesJson : !takesEvents) return { isJsonAlone: false };
  return { accept: isPost ? BOTH : EVENTS, isJsonAlone: isPost && !takesEvents };
}

/**
 * The media ranges of an `Accept` header (RFC 9110, 12.5.1) without those of weight 0. A missing header
 * accepts everything.
 */
function rangesIn(accept: string | null): readonly string[] {
  if (accept === null || accept.trim() === '') return ['*/*'];
  return accept
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim()))
    .filter(([, ...parameters]) => !parameters.some((each) => /^q=0(?:\.0*)?$/.test(each)))
    .map(([type = '']) => type);
}
