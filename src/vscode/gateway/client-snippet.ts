/** What another client needs to meet a server at the gateway, as that client writes it. */

export type ClientId = 'vscode' | 'cursor' | 'claude-code' | 'codex' | 'augment' | 'cline';

/** A server at its address in the gateway. */
export interface SnippetServer {
  readonly name: string;
  readonly url: string;
}

interface Client {
  /** Its name, for a person. */
  readonly title: string;
  readonly snippet: (servers: readonly SnippetServer[], headers: Headers) => string;
}

type Headers = Readonly<Record<string, string>>;

/** In the order in which they are offered. */
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
    // Without a type it takes the transport of old.
    snippet: json('mcpServers', (url, headers) => ({
      type: 'streamableHttp',
      url,
      headers,
      disabled: false,
    })),
  },
};

/** @param headers the credential of the gateway, in the clear. */
export function clientSnippet(client: ClientId, servers: readonly SnippetServer[], headers: Headers): string {
  return CLIENTS[client].snippet(servers, headers);
}

function json(key: string, entryOf: (url: string, headers: Headers) => object): Client['snippet'] {
  return (servers, headers) => {
    const entries = servers.map(({ name, url }) => [name, entryOf(url, headers)]);
    return `${JSON.stringify({ [key]: Object.fromEntries(entries) }, null, 2)}\n`;
  };
}

/** One command for each server: it is kept in the person's own file, for the project in which the command is run. */
function claudeCommands(servers: readonly SnippetServer[], headers: Headers): string {
  const given = Object.entries(headers).map(([name, value]) => ` --header "${name}: ${value}"`);
  const lines = named(servers).map(
    ({ name, url }) => `claude mcp add --transport http ${name} "${url}"${given.join('')}\n`,
  );
  return lines.join('');
}

/** `bearer_token` is refused in the file; `http_headers` are sent as they stand. */
function codexTables(servers: readonly SnippetServer[], headers: Headers): string {
  const given = Object.entries(headers).map(([name, value]) => `${tomlText(name)} = ${tomlText(value)}`);
  const tables = named(servers).map(
    ({ name, url }) =>
      `[mcp_servers.${name}]\nurl = ${tomlText(url)}\nhttp_headers = { ${given.join(', ')} }\n`,
  );
  return tables.join('\n');
}

/** A basic string of TOML. Its escapes are those of JSON, and one more character has to be escaped. */
function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

/** With names of letters, digits, hyphens and underscores, all different: these clients take no others. */
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
