/** What the suite in the extension host may ask of the run around it: real servers, and a place to print. */
export interface StageCalls {
  /** Writes a line to the output of the run. */
  print: { ask: { line: string }; answer: null };
  /** Starts `@modelcontextprotocol/server-everything` as a process, on a free port. */
  startServer: { ask: { name: string }; answer: { url: string } };
  /**
   * Starts test/server/scenarios/server-program.ts as a process, on a free port: a server under the session manager.
   * `forgetful`: its sessions end with the process, as those of most servers do.
   */
  startManagedServer: { ask: { name: string; forgetful: boolean }; answer: { url: string } };
  /** An entry of the setting for a server on standard input and output, and the file to which it writes what it did. */
  localServer: { ask: null; answer: { entry: object; ledger: string } };
  /** The lines of that file. */
  ledgerLines: { ask: { ledger: string }; answer: string[] };
  /** Ends the process with SIGKILL and waits until it is gone. */
  killServer: { ask: { name: string }; answer: null };
  /** Starts a killed server again on its port, as a new process. The answer is its id. */
  startServerAgain: { ask: { name: string }; answer: { pid: number } };
  /** The lines that match, of what the server wrote since its last start; once there are at least `count` of them. */
  serverLines: { ask: { name: string; matching: string; count: number }; answer: string[] };
  /** An address of this machine at which nothing listens. */
  deadUrl: { ask: null; answer: string };
}

/** The variable by which the suite learns of the stage. */
export const STAGE_VARIABLE = 'RESILIENT_MCP_TEST_STAGE';

/** The variable by which the suite learns which tests to run; all of them without it. */
export const GREP_VARIABLE = 'RESILIENT_MCP_TEST_GREP';
