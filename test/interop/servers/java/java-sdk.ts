import { delimiter, join } from 'node:path';
import { client, copyPrograms, type Installation, programText } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

const artifact = 'io.modelcontextprotocol.sdk:mcp';
const version = '2.1.0';
const sources = ['java/pom.xml', 'java/CountingServer.java'];

/** The official SDK: its servlet, in Jetty. */
export const javaSdk: InteropServer = {
  name: 'java-sdk',
  language: 'java',
  package: artifact,
  version,
  note: 'Its servlet, in Jetty. Told to end idle sessions, it also pings: without that, a stream that is gone counts as open.',
  needs: ['java', 'javac', 'mvn'],
  installation: fromMaven(),
  command: ({ folder, port, idleMs }) => ({
    program: 'java',
    args: [
      ...['-cp', classPathIn(folder)],
      ...['CountingServer', String(port), ...(idleMs === undefined ? [] : [String(idleMs)])],
    ],
  }),
  idleExpiry: { afterMs: 1000, goneMs: 6000 },
  startLimitMs: 60_000,
};

/** What was compiled, and what it was compiled with. */
function classPathIn(folder: string): string {
  const target = join(folder, 'target');
  return [join(target, 'classes'), join(target, 'dependency', '*')].join(delimiter);
}

function fromMaven(): Installation {
  return {
    inputs: [`${artifact}:${version}`, ...sources.map(programText)],
    async install(folder) {
      copyPrograms(sources, folder);
      const goals = ['compile', 'dependency:copy-dependencies'];
      await client('mvn', ['--batch-mode', '--quiet', `-Dsdk.version=${version}`, ...goals], folder);
    },
  };
}
