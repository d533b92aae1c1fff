import type { Screenplay } from './screenplay.ts';

type Played =
  | { readonly result: object }
  | { readonly error: { readonly code: number; readonly message: string } };

/** A good answer to a request, in place of the one that was given and not recorded. */
export function playedResult(
  play: Screenplay,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
): Played {
  switch (method) {
    case 'initialize': {
      const { protocolVersion } = params;
      return { result: { protocolVersion, capabilities: capabilitiesOf(play), serverInfo: play.server } };
    }
    case 'tools/list':
      return { result: { tools: play.tools.map(listed) } };
    case 'tools/call':
      return { result: { content: [{ type: 'text', text: `Replay of ${String(params.name)}` }] } };
    case 'resources/list':
      return { result: { resources: [] } };
    case 'resources/templates/list':
      return { result: { resourceTemplates: [] } };
    case 'resources/read':
      return { result: { contents: [{ uri: String(params.uri), text: 'Replay' }] } };
    case 'prompts/list':
      return { result: { prompts: [] } };
    case 'prompts/get':
      return { result: { messages: [] } };
    case 'completion/complete':
      return { result: { completion: { values: [] } } };
    case 'ping':
    case 'logging/setLevel':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return { result: {} };
    default:
      return { error: { code: -32601, message: 'Method not found' } };
  }
}

/** Tools always; what else was used. */
function capabilitiesOf({ methods }: Screenplay): object {
  const uses = (prefix: string) => methods.some((method) => method.startsWith(prefix));
  return {
    tools: { listChanged: true },
    ...(uses('resources/') && { resources: { subscribe: true, listChanged: true } }),
    ...(uses('prompts/') && { prompts: { listChanged: true } }),
    ...(uses('logging/') && { logging: {} }),
    ...(uses('completion/') && { completions: {} }),
  };
}

function listed({ name, repeatable }: Screenplay['tools'][number]): object {
  return {
    name,
    inputSchema: { type: 'object' },
    ...(repeatable && { annotations: { idempotentHint: true } }),
  };
}
