import type { Agent, AgentOptions } from 'node:http';

type Variables = Readonly<Record<string, string | undefined>>;

const NAMES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

/** This machine is reached without a proxy, whatever the variables say. */
const THIS_MACHINE = 'localhost,127.0.0.1-127.255.255.255,::1,[::1]';

/**
 * Lets every request of this process go by the proxies that the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY name.
 * @returns why that can't be done, in words; undefined when it is done or when none is named
 */
export async function useProxies(variables: Variables): Promise<string | undefined> {
  const named = NAMES.find((name) => variables[name]);
  if (named === undefined) return undefined;
  const [{ default: http }, { default: https }] = await Promise.all([
    import('node:http'),
    import('node:https'),
  ]);
  const options = optionsOf(http.globalAgent);
  // Each agent has this key from the first Node.js on that can use a proxy.
  if (!('proxyEnv' in options)) {
    return `${named} is set, and Node.js ${process.versions.node} does not use it: versions from 22.21 and 24.5 on do.`;
  }
  const proxyEnv = { ...variables, ...withoutProxy(variables) };
  const { setGlobalProxyFromEnv } = http as { setGlobalProxyFromEnv?: (variables: Variables) => unknown };
  // That of `fetch` too, where the platform lets it be set.
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
