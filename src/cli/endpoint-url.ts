import { UsageError } from './command.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Parses the address of an MCP endpoint. @throws UsageError if it cannot be used; suggests a complete address */
export function endpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError(
      `"${text.slice(0, 100)}" is not an http:// or https:// address.${suggestion(text.slice(0, 100))}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    // fetch rejects such an address, and it would be visible in the list of processes.
    throw new UsageError('the address must not contain a user name or a password. Use --header.');
  }
  return url;
}

/** For a host without a scheme: http on this machine, https elsewhere, and the usual path `/mcp`. */
function suggestion(text: string): string {
  const address = `http://${text}`;
  if (text.includes('://') || /\s/.test(text) || !URL.canParse(address)) return '';
  const { host, hostname, pathname, username, password } = new URL(address);
  const isHost = LOOPBACK.test(hostname) || hostname.includes('.') || host !== hostname;
  if (!isHost || username !== '' || password !== '') return '';
  const scheme = LOOPBACK.test(hostname) ? 'http' : 'https';
  return ` Did you mean ${scheme}://${host}${pathname === '/' ? '/mcp' : pathname}?`;
}

/** An address without its query, which often contains a key. */
export function shownUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
