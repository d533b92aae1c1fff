/** What the configuration file of another client says of its servers, in the terms of `resilientMcp.servers`. */

/** An entry as it may stand in `resilientMcp.servers`. Strings may hold placeholders, in this project's spelling. */
export type ImportedEntry =
  | {
      readonly type: 'http' | 'sse';
      readonly url: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'stdio';
      readonly command: string;
      readonly args?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly envFile?: string;
      readonly cwd?: string;
    };

/** One server that a file names. */
export interface FoundServer {
  readonly name: string;
  readonly entry: ImportedEntry;
  /** False when the file says that its client is not to use the server. */
  readonly enabled: boolean;
  /** Keys of the original that mean something to its client and have no counterpart here, such as `auth`. */
  readonly leftOut: readonly string[];
}

/** A value that its client asks the person for: an element of `inputs` in VS Code's mcp.json. */
export interface InputDefinition {
  readonly id: string;
  readonly description?: string;
  /** Whether it is typed unseen. */
  readonly password?: boolean;
  readonly default?: string;
  /** The values to choose from. Default: any text. */
  readonly options?: readonly string[];
}

/** An unusable part of the file, with a message for the user. */
export interface ImportProblem {
  /** The server it is about; undefined for the file as a whole. */
  readonly server?: string;
  readonly message: string;
}

export interface ReadServers {
  /** In the order of the file. */
  readonly servers: readonly FoundServer[];
  readonly inputs: readonly InputDefinition[];
  readonly problems: readonly ImportProblem[];
}
