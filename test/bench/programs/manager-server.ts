// The same server under this project's SessionManager, on node:http or, with `--express`, on Express. With
// `--hibernate-after-ms` its sessions hibernate. With `--validator-on-demand` they do without what docs/server-module.md
// says that they can do without.
import { parseArgs } from 'node:util';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { expressHandler, nodeListener, SessionManager } from '../../../src/server/index.ts';
import { answerQuestions } from '../program.ts';
import { echoServer } from './echo-server.ts';
import { heapInUse, listening } from './listening.ts';
import { cpuMs } from './timed.ts';

const { values } = parseArgs({
  options: {
    express: { type: 'boolean' },
    'hibernate-after-ms': { type: 'string', default: 'Infinity' },
    'validator-on-demand': { type: 'boolean' },
  },
});
let onLastAsleep = () => {};
const onDemand: jsonSchemaValidator = {
  getValidator: (schema) => new AjvJsonSchemaValidator().getValidator(schema),
};
const options = values['validator-on-demand'] ? { jsonSchemaValidator: onDemand } : {};
const manager = new SessionManager(() => echoServer(options), {
  maxSessions: 100_000,
  hibernateAfterMs: Number(values['hibernate-after-ms']),
  log: ({ event, sessions }) => {
    if (event === 'sessionHibernated' && sessions === 0) onLastAsleep();
  },
});

function onExpress() {
  const app = createMcpExpressApp();
  app.all('/mcp', expressHandler(manager));
  return app;
}

const url = await listening(values.express ? onExpress() : nodeListener(manager));

const handlers = {
  url: () => url,
  heap: heapInUse,
  cpu: cpuMs,
  /** Answers once every session hibernates. */
  asleep: () =>
    new Promise<void>((resolve) => {
      onLastAsleep = resolve;
      if (manager.sessions === 0) resolve();
    }),
};

export type ManagerServer = typeof handlers;
answerQuestions(handlers);
