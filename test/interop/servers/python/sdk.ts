import type { InteropServer } from '../../server.ts';
import { pythonProgram } from './python-program.ts';

const idleExpiry = { afterMs: 1000, goneMs: 3000 };

/** The official SDK: the first that answered 400 in plain text is where the idea of this project began. */
export const pythonSdk: readonly InteropServer[] = [
  pythonProgram({
    name: 'python-sdk-1.12.3',
    package: 'mcp',
    version: '1.12.3',
    // It uses a part of pydantic that 2.12 no longer has.
    with: ['pydantic==2.11.10'],
    file: 'mcp_1_server.py',
  }),
  pythonProgram({ name: 'python-sdk-1.26.0', package: 'mcp', version: '1.26.0', file: 'mcp_1_server.py' }),
  pythonProgram({
    name: 'python-sdk-1.30.0',
    package: 'mcp',
    version: '1.30.0',
    note: 'Idle sessions end after 30 minutes, unless it is told otherwise.',
    file: 'mcp_1_server.py',
    idleExpiry,
  }),
  pythonProgram({
    name: 'python-sdk-2.3.0',
    package: 'mcp',
    version: '2.3.0',
    note: 'Idle sessions end after 30 minutes, unless it is told otherwise.',
    file: 'mcp_2_server.py',
    idleExpiry,
  }),
];
