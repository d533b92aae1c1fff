// The conformance server under the session manager.
//   node manager-program.ts <port>
import { createServer } from 'node:http';
import { nodeListener, SessionManager } from '../../../src/server/index.ts';
import { makeServer } from './everything.ts';

const port = Number(process.argv[2]);
const manager = new SessionManager(makeServer, {
  key: 'the key of the conformance run, of 32 characters or more',
  resumableStreams: true,
  log: (record) => console.log(JSON.stringify(record)),
});
createServer(nodeListener(manager)).listen(port, '127.0.0.1', () => console.log(`listening on ${port}`));
