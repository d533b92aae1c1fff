import type { Machine } from './machine.ts';

/** What tells the configuration files of the clients apart. One strategy for each client; `formats.ts` has them all. */

export type FormatId =
  | 'vscode'
  | 'claude-code'
  | 'claude-user'
  | 'claude-desktop'
  | 'cursor'
  | 'windsurf'
  | 'cline';

/** An object of the file, as it stands there. */
export type RawEntry = Readonly<Record<string, unknown>>;

export type TransportType = 'http' | 'sse' | 'stdio';

/** How a server is switched off in the file, so that its client leaves it alone and a person can bring it back. */
export type Disabling =
  /** The entry is commented out. */
  | { readonly how: 'comment' }
  /** The entry gets a key that its client knows. */
  | { readonly how: 'flag'; readonly key: string }
  /** The entry moves to another object of the same file, which no client reads. */
  | { readonly how: 'move'; readonly to: string }
  /** Its name is put into a list of another file, beside this one. */
  | { readonly how: 'list'; readonly file: readonly string[]; readonly key: string };

export interface ConfigFormat {
  readonly id: FormatId;
  /** The client's name, for a person. */
  readonly title: string;
  /** The key of the object that holds the servers by name. */
  readonly serversKey: 'servers' | 'mcpServers';
  /** The key of an object that holds, by the path of a folder, what is for that project: an object with servers again. */
  readonly projectsKey?: string;
  /** Whether the file may hold `inputs`: values that the client asks for. */
  readonly hasInputs: boolean;
  /** The keys that may hold the URL of a server, the one that wins first. */
  readonly urlKeys: readonly string[];
  /** What its client calls Streamable HTTP in an entry that names its transport. */
  readonly httpType: string;
  /** The transport of an entry with a URL that names none. */
  typeOfUrl(url: string): 'http' | 'sse';
  /** Whether the entry itself says that the client is not to use it. */
  isDisabled(entry: RawEntry): boolean;
  readonly disabling: Disabling;
  /** The path of the file below a workspace folder; undefined where there is none. */
  readonly workspaceFile: readonly string[] | undefined;
  /** The paths at which the file of a person may lie. */
  userFiles(machine: Machine): readonly string[];
  /** A string of the file with its placeholders in this project's spelling. See `fleet/variables.ts`. */
  respell(text: string): string;
}

/** The keys that lead to the object which holds the servers of a file, or those of one project in it. */
export function pathOfServers({ serversKey, projectsKey }: ConfigFormat, project?: string): string[] {
  return project === undefined || projectsKey === undefined
    ? [serversKey]
    : [projectsKey, project, serversKey];
}
