import type { InteropServer } from '../../server.ts';
import { classPathIn, fromMaven } from '../maven.ts';

const artifact = 'io.modelcontextprotocol:kotlin-sdk-server-jvm';
const version = '0.16.0';
const sources = ['kotlin/pom.xml', 'kotlin/CountingServer.kt'];

/** The official SDK: its routes, in Ktor. */
export const kotlinSdk: InteropServer = {
  name: 'kotlin-sdk',
  language: 'kotlin',
  package: artifact,
  version,
  note: 'Its routes in Ktor, on Netty.',
  needs: ['java', 'mvn'],
  installation: fromMaven({ artifact, version, sources, compile: 'kotlin:compile' }),
  command: ({ folder, port }) => ({
    program: 'java',
    args: ['-cp', classPathIn(folder), 'CountingServerKt', String(port)],
  }),
  startLimitMs: 60_000,
};
