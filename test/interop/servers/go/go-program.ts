import { join } from 'node:path';
import { client, copyPrograms, type Installation, programText } from '../../install.ts';

const executable = process.platform === 'win32' ? 'program.exe' : 'program';

/** What a program in Go is compiled from. */
export interface GoSources {
  /** The module under test, and its exact version. */
  readonly module: string;
  readonly version: string;
  /** The packages of that module that are imported. */
  readonly packages: readonly string[];
  /** Files of `programs/go/`. */
  readonly files: readonly string[];
}

/** A program that is compiled with the Go tool. @see goProgramIn */
export function fromGo({ module, version, packages, files }: GoSources): Installation {
  const sources = files.map((file) => `go/${file}`);
  return {
    inputs: [`${module}@${version}`, ...packages, ...sources.map(programText)],
    async install(folder) {
      copyPrograms(sources, folder);
      await client('go', ['mod', 'init', 'interop'], folder);
      await client('go', ['get', ...packages.map((each) => `${module}/${each}@${version}`)], folder);
      await client('go', ['build', '-buildvcs=false', '-o', executable, '.'], folder);
    },
  };
}

/** The program of an installation. */
export const goProgramIn = (folder: string): string => join(folder, executable);
