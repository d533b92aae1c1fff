import { isSameData } from '../../base/same-data.ts';
import type { GatewayUpstream } from './upstream.ts';

/** Whether two upstreams are one and the same server, met in the same way: then a change of the list leaves it alone. */
export function isSameUpstream(a: GatewayUpstream, b: GatewayUpstream): boolean {
  if (!('open' in a) || !('open' in b) || a.identity === undefined) return isSameData(a, b);
  return a.identity === b.identity && (a.shared ?? false) === (b.shared ?? false);
}
