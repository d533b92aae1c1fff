import { isLoopback } from '../../../base/address-zones.ts';
import { type Environment, isFetchReplaced, systemEnvironment } from '../../../base/environment.ts';
import type { ClosableClient } from '../../../base/http-client.ts';
import { fetchClient } from './fetch-client.ts';
import { NodeClient } from './node/node-client.ts';

/**
 * How the server of one connection is reached (decision 0012): over `node:http`, unless the user has said by a `fetch`
 * of their own, or by options that only `fetch` has a meaning for, that it is to be another way.
 * @param init what every request takes besides method, headers, body and signal
 */
export function chooseClient(
  url: URL,
  environment: Partial<Environment>,
  init: RequestInit = {},
): ClosableClient {
  const { fetch, http, clock } = systemEnvironment(environment);
  const over = http ?? fetchClient(fetch);
  const isForFetch = environment.fetch !== undefined || Object.keys(init).length > 0;
  // Who replaces `fetch` for a whole process means other machines: a proxy, certificates.
  const isReplaced = !isLoopback(url.hostname) && isFetchReplaced();
  if (http || isForFetch || isReplaced) return { send: over, close: async () => {} };
  return new NodeClient(over, clock);
}
