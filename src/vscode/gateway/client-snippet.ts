/** The configuration of a gateway server for another client, in that client's format. */

export type ClientId = 'vscode' | 'cursor' | 'claude-code' | 'codex' | 'augment' | 'cline';

/** A server with its gateway URL. */
export interface SnippetServer {
  readonly name: string;
  readonly url: string;
}

interface Client {
  /** Display name. */
  readonly title: string;
  readonly snippet: (servers: readonly SnippetServer[], headers: Headers) => string;
}

type Headers = Readonly<Record<string, string>>;

/** In the order of the picker. */
export const CLIENTS: Readonly<Record<ClientId, Client>> = {
  vscode: { title: 'VS Code', snippet: json('servers', (url, headers) => ({ type: 'http', url, headers })) },
  cursor: { title: 'Cursor', snippet: json('mcpServers', (url, headers) => ({ url, headers })) },
  'claude-code': { title: 'Claude Code', snippet: claudeCommands },
  codex: { title: 'Codex', snippet: codexTables },
  augment: {
    title: 'Augment',
    snippet: json('mcpServers', (url, headers) => ({ type: 'http', url, headers })),
  },
  cline: {
    title: 'Cline',
    // Without a type it uses the legacy HTTP+SSE transport.
    snippet: json('mcpServers', (url, headers) => ({
      type: 'streamableHttp',
      url,
      headers,
      disabled: false,
    })),
  },
};

/** @param headers the credential of the gateway, in plain text */
export function clientSnippet(client: ClientId, servers: readonly SnippetServer[], headers: Headers): string {
  return CLIENTS[client].snippet(servers, headers);
}

function json(key: string, entryOf: (url: string, headers: Headers) => object): Client['snippet'] {
  return (servers, headers) => {
    const entries = servers.map(({ name, url }) => [name, entryOf(url, headers)]);
    return `${JSON.stringify({ [key]: Object.fromEntries(entries) }, null, 2)}\n`;
  };
}

/** One command for each server. It writes to the user's own file, for the project in which it is run. */
function claudeCommands(servers: readonly SnippetServer[], headers: Headers): string {
  const given = Object.entries(headers).map(([name, value]) => ` --header "${name}: ${value}"`);
  const lines = named(servers).map(
    ({ name, url }) => `claude mcp add --transport http ${name} "${url}"${given.join('')}\n`,
  );
  return lines.join('');
}

/** Codex refuses `bearer_token` in the file and sends `http_headers` unchanged. */
function codexTables(servers: readonly SnippetServer[], headers: Headers): string {
  const given = Object.entries(headers).map(([name, value]) => `${tomlText(name)} = ${tomlText(value)}`);
  const tables = named(servers).map(
    ({ name, url }) =>
      `[mcp_servers.${name}]\nurl = ${tomlText(url)}\nhttp_headers = { ${given.join(', ')} }\n`,
  );
  return tables.join('\n');
}

/** A TOML basic string. Its escapes are those of JSON; one more character needs escaping. */
function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

/** Unique names of letters, digits, hyphens and underscores: these clients accept no others. */
function named(servers: readonly SnippetServer[]): SnippetServer[] {
  const taken = new Set<string>();
  return servers.map(({ name, url }) => {
    const plain = name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || 'server';
    let distinct = plain;
    for (let n = 2; taken.has(distinct); n++) distinct = `${plain}-${n}`;
    taken.add(distinct);
    return { name: distinct, url };
  });
}
