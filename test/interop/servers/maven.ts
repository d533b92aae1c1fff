import { delimiter, join } from 'node:path';
import { client, copyPrograms, type Installation, programText } from '../install.ts';

/** What Maven compiles for a server. */
interface MavenProgram {
  /** What is under test, as `group:artifact`. */
  readonly artifact: string;
  /** Its version, for the `sdk.version` of the POM. */
  readonly version: string;
  /** Files of `programs/`, the POM among them. */
  readonly sources: readonly string[];
  /** The goal that compiles them. */
  readonly compile: string;
}

/** Sources of `programs/` and what they need, from Maven Central. @see classPathIn */
export function fromMaven({ artifact, version, sources, compile }: MavenProgram): Installation {
  return {
    inputs: [`${artifact}:${version}`, ...sources.map(programText)],
    async install(folder) {
      copyPrograms(sources, folder);
      const goals = [compile, 'dependency:copy-dependencies'];
      await client('mvn', ['--batch-mode', '--quiet', `-Dsdk.version=${version}`, ...goals], folder);
    },
  };
}

/** The class path of what was compiled, with all that it needs. */
export function classPathIn(folder: string): string {
  const target = join(folder, 'target');
  return [join(target, 'classes'), join(target, 'dependency', '*')].join(delimiter);
}
