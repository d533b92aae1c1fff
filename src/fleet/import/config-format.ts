/** What tells the configuration files of the clients apart. One strategy for each client; `formats.ts` has them all. */

export type FormatId = 'vscode' | 'claude-code' | 'claude-desktop' | 'cursor' | 'windsurf' | 'cline';

/** An object of the file, as it stands there. */
export type RawEntry = Readonly<Record<string, unknown>>;

export type TransportType = 'http' | 'sse' | 'stdio';

export interface ConfigFormat {
  readonly id: FormatId;
  /** The client's name, for a person. */
  readonly title: string;
  /** The key of the object that holds the servers by name. */
  readonly serversKey: 'servers' | 'mcpServers';
  /** Whether the file may hold `inputs`: values that the client asks for. */
  readonly hasInputs: boolean;
  /** The keys that may hold the URL of a server, the one that wins first. */
  readonly urlKeys: readonly string[];
  /** The transport of an entry with a URL that names none. */
  typeOfUrl(url: string): 'http' | 'sse';
  /** Whether the entry itself says that the client is not to use it. */
  isDisabled(entry: RawEntry): boolean;
  /** A string of the file with its placeholders in this project's spelling. See `fleet/variables.ts`. */
  respell(text: string): string;
}
