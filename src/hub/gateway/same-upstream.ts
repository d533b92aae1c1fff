import type { GatewayUpstream } from './upstream.ts';

/** Whether two upstreams are one and the same server, met in the same way: then a change of the list leaves it alone. */
export function isSameUpstream(a: GatewayUpstream, b: GatewayUpstream): boolean {
  if (!('open' in a) || !('open' in b) || a.identity === undefined) return isSame(a, b);
  return a.identity === b.identity && (a.shared ?? false) === (b.shared ?? false);
}

/** Plain data by what is in it; functions, and objects with a behaviour of their own, by identity. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof URL || b instanceof URL) return String(a) === String(b);
  if (a instanceof Headers && b instanceof Headers) return isSame([...a], [...b]);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, index) => isSame(each, b[index]));
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame(a[key], b[key]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
