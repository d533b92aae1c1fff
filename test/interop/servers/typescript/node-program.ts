import { join } from 'node:path';
import { fromNpm } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

/** What a server differs in whose program is a file of `programs/typescript/`. */
export interface NodeProgram
  extends Pick<InteropServer, 'name' | 'package' | 'version'>,
    Partial<Pick<InteropServer, 'note' | 'idleExpiry' | 'holdsOneSession'>> {
  /** Packages that it needs besides its own, with versions. */
  readonly with: readonly string[];
  /** The file, which gets the port as its argument. */
  readonly file: string;
}

/** A server whose program is a file of `programs/typescript/`. */
export function nodeProgram({ with: others, file, ...given }: NodeProgram): InteropServer {
  const packages = [`${given.package}@${given.version}`, ...others];
  return {
    ...given,
    language: 'typescript',
    needs: ['npm'],
    installation: fromNpm(packages, `typescript/${file}`, 'typescript/counted.mjs'),
    command: ({ folder, port }) => ({ program: process.execPath, args: [join(folder, file), String(port)] }),
  };
}
