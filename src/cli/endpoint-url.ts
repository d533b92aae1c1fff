import { UsageError } from './command.ts';

/** The address of an MCP endpoint. @throws UsageError for one that cannot be used */
export function endpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError(`"${text.slice(0, 100)}" is no http:// or https:// address.`);
  }
  if (url.username !== '' || url.password !== '') {
    // fetch refuses such an address, and it would be shown in the list of processes.
    throw new UsageError('the address must not hold a user name or a password; use --header.');
  }
  return url;
}

/** An address as it may be shown: a query often holds a key. */
export function shownUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
