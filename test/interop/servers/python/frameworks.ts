import type { InteropServer } from '../../server.ts';
import { pythonProgram } from './python-program.ts';

export const fastmcpPython: InteropServer = pythonProgram({
  name: 'fastmcp-python',
  package: 'fastmcp',
  // 4.1.4 and 4.1.6 ask for a newer certifi than the index has.
  version: '4.1.0',
  file: 'fastmcp_server.py',
  idleVariable: 'FASTMCP_HTTP_SESSION_IDLE_TIMEOUT',
  idleExpiry: { afterMs: 1000, goneMs: 3000 },
});
