/** The folder that is opened, and the files in which each program says where it was started. */
export interface RestrictedFiles {
  readonly workspace: string;
  readonly own: string;
  readonly tool: string;
  readonly inFolder: string;
  readonly theirs: string;
}

/** The variable by which the suite learns of them, as JSON. */
export const RESTRICTED_VARIABLE = 'RESILIENT_MCP_TEST_RESTRICTED';

/** The words in the names of its tests, for `--grep`. */
export const RESTRICTED_MODE = 'Restricted Mode';
