import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { connectAnd, type Visit } from './visit.ts';

/** `initialize`: the handshake and one list. */
export function initialize(visit: Visit): Promise<void> {
  return connectAnd(visit, {}, (client) => client.listTools());
}

/** `tools_call`: a tool with two numbers. */
export function toolsCall(visit: Visit): Promise<void> {
  return connectAnd(visit, {}, async (client) => {
    await client.listTools();
    await client.callTool({ name: 'add_numbers', arguments: { a: 2, b: 3 } });
  });
}

/** `elicitation-sep1034-client-defaults`: an empty form, into which the client puts the defaults. */
export function elicitationDefaults(visit: Visit): Promise<void> {
  const options = {
    client: { capabilities: { elicitation: { form: { applyDefaults: true } } } },
    prepare: (client: Parameters<Parameters<typeof connectAnd>[2]>[0]) =>
      client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept' as const, content: {} })),
  };
  return connectAnd(visit, options, async (client) => {
    await client.listTools();
    await client.callTool({ name: 'test_client_elicitation_defaults', arguments: {} });
  });
}

/** `sse-retry`: the server ends the stream of a call before its answer, which is to be had by resuming it. */
export function sseRetry(visit: Visit): Promise<void> {
  return connectAnd(visit, {}, async (client) => {
    await client.listTools();
    await client.callTool({ name: 'test_reconnection', arguments: {} });
  });
}
