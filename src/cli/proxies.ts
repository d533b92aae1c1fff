import type { Agent, AgentOptions } from 'node:http';

type Variables = Readonly<Record<string, string | undefined>>;

const NAMES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

/** Loopback addresses never go through a proxy, whatever NO_PROXY says. */
const THIS_MACHINE = 'localhost,127.0.0.1-127.255.255.255,::1,[::1]';

/**
 * Sends all requests of this process through the proxies of HTTPS_PROXY and HTTP_PROXY, except to hosts in NO_PROXY.
 * @returns a warning if this Node.js cannot use a proxy; otherwise undefined
 */
export async function useProxies(variables: Variables): Promise<string | undefined> {
  const named = NAMES.find((name) => variables[name]);
  if (named === undefined) return undefined;
  const [{ default: http }, { default: https }] = await Promise.all([
    import('node:http'),
    import('node:https'),
  ]);
  const options = optionsOf(http.globalAgent);
  // Agents have this key in every Node.js version that supports proxies.
  if (!('proxyEnv' in options)) {
    return `${named} is set, but Node.js ${process.versions.node} ignores it. Proxies need Node.js 22.21 or 24.5, or later.`;
  }
  const proxyEnv = { ...variables, ...withoutProxy(variables) };
  const { setGlobalProxyFromEnv } = http as { setGlobalProxyFromEnv?: (variables: Variables) => unknown };
  // Sets the proxy of `fetch` too, where available.
  if (setGlobalProxyFromEnv) setGlobalProxyFromEnv(proxyEnv);
  else {
    http.globalAgent = new http.Agent({ ...options, ...{ proxyEnv } });
    https.globalAgent = new https.Agent({ ...optionsOf(https.globalAgent), ...{ proxyEnv } });
  }
  return undefined;
}

function optionsOf(agent: Agent): AgentOptions {
  return (agent as Agent & { readonly options: AgentOptions }).options;
}

function withoutProxy({ NO_PROXY, no_proxy }: Variables): Variables {
  const value = [no_proxy || NO_PROXY, THIS_MACHINE].filter(Boolean).join(',');
  return { NO_PROXY: value, no_proxy: value };
}
