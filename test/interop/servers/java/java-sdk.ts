import type { InteropServer } from '../../server.ts';
import { classPathIn, fromMaven } from '../maven.ts';

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
  installation: fromMaven({ artifact, version, sources, compile: 'compile' }),
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
