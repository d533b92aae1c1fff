import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { client, type Installation, programText } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

const version = '2.1.0';
const files = ['pom.xml', 'CountingServer.java'];

/** The official SDK: its servlet, in Jetty. */
export const javaSdk: InteropServer = {
  name: 'java-sdk',
  language: 'java',
  package: 'io.modelcontextprotocol.sdk:mcp',
  version,
  note: 'Its servlet, in Jetty.',
  needs: ['java', 'javac', 'mvn'],
  installation: fromMaven(),
  command: ({ folder, port, idleMs }) => ({
    program: 'java',
    args: [
      ...[
        '-cp',
        [join(folder, 'target', 'classes'), join(folder, 'target', 'dependency', '*')].join(delimiter),
      ],
      ...['CountingServer', String(port), ...(idleMs === undefined ? [] : [String(idleMs)])],
    ],
  }),
  idleExpiry: { afterMs: 1000, goneMs: 6000 },
  startLimitMs: 60_000,
};

function fromMaven(): Installation {
  const texts = files.map((file) => programText(`java/${file}`));
  return {
    inputs: [version, ...texts],
    async install(folder) {
      for (const [index, file] of files.entries()) writeFileSync(join(folder, file), texts[index] ?? '');
      const goals = ['compile', 'dependency:copy-dependencies'];
      await client('mvn', ['--batch-mode', '--quiet', `-Dsdk.version=${version}`, ...goals], folder);
    },
  };
}
