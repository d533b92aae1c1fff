import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { client, copyPrograms, type Installation, programText } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

const executable = process.platform === 'win32' ? 'counting.exe' : 'counting';

/** The official SDK: as it is now, and the last version that answered 401 to an unknown session. */
export const rmcp: readonly InteropServer[] = [
  made('3.11.0', 'Idle sessions end after five minutes, unless it is told otherwise.'),
  made('0.16.0'),
];

function made(version: string, note?: string): InteropServer {
  return {
    name: `rmcp-${version}`,
    language: 'rust',
    package: 'rmcp',
    version,
    ...(note !== undefined && { note }),
    needs: ['cargo'],
    installation: fromCargo(version),
    command: ({ folder, port, idleMs }) => ({
      program: join(folder, 'target', 'debug', executable),
      args: [String(port), ...(idleMs === undefined ? [] : [String(idleMs)])],
    }),
    idleExpiry: { afterMs: 1000, goneMs: 3000 },
  };
}

function fromCargo(version: string): Installation {
  const manifest = programText('rust/Cargo.toml').replace('SDK_VERSION', version);
  const program = 'rust/rmcp_server.rs';
  return {
    inputs: [`rmcp ${version}`, manifest, programText(program)],
    async install(folder) {
      writeFileSync(join(folder, 'Cargo.toml'), manifest);
      copyPrograms([program], folder);
      // A folder for what is built that others share could hold another version of the same program.
      await client('cargo', ['build', '--quiet', '--target-dir', join(folder, 'target')], folder);
    },
  };
}
