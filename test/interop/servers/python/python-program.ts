import { fromPip, programFile, pythonIn } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

/** What a server differs in whose program is a file of `programs/python/`. */
export interface PythonProgram
  extends Pick<InteropServer, 'name' | 'package' | 'version'>,
    Partial<Pick<InteropServer, 'note' | 'idleExpiry'>> {
  /** The file, which gets the port as its argument; then, in seconds, how long sessions may be idle. */
  readonly file: string;
  /** Packages that it needs besides its own, with versions. */
  readonly with?: readonly string[];
  /** The environment variable that says the latter instead, where there is one. */
  readonly idleVariable?: string;
}

/** A server whose program is a file of `programs/python/`. */
export function pythonProgram({
  file,
  idleVariable,
  with: others = [],
  ...given
}: PythonProgram): InteropServer {
  return {
    ...given,
    language: 'python',
    needs: ['python3'],
    installation: fromPip([`${given.package}==${given.version}`, ...others]),
    command: ({ folder, port, idleMs }) => {
      const idle = idleMs === undefined ? [] : [String(idleMs / 1000)];
      return {
        program: pythonIn(folder),
        // Nothing is written beside the sources.
        args: ['-B', programFile(`python/${file}`), String(port), ...(idleVariable ? [] : idle)],
        env: idleVariable && idle[0] !== undefined ? { [idleVariable]: idle[0] } : {},
      };
    },
  };
}
