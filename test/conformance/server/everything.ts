import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CreateMessageResultSchema,
  type ElicitRequestFormParams,
  ElicitResultSchema,
  ListToolsRequestSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { choices, jsonSchemaTool, person, userDetails } from './schemas.ts';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** The smallest PNG, and the smallest WAV, in base64. */
const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const text = (value: string) => ({ type: 'text' as const, text: value });
const image = { type: 'image' as const, data: png, mimeType: 'image/png' };
const embedded = (uri: string, mimeType: string, content: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text: content },
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server with all that the suite's server scenarios ask for, by the names that they give. */
export function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'conformance', version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true } } },
  );
  addContentTools(server);
  addTalkingTools(server);
  addResources(server);
  addPrompts(server);
  listJsonSchemaAsItIs(server);
  return server;
}

function addContentTools(server: McpServer): void {
  const tool = (name: string, content: Parameters<typeof Array.of>) =>
    server.registerTool(name, { description: name }, () => ({ content: content as never }));
  tool('test_simple_text', [text('A text.')]);
  tool('test_image_content', [image]);
  tool('test_audio_content', [{ type: 'audio', data: wav, mimeType: 'audio/wav' }]);
  tool('test_embedded_resource', [
    embedded('test://embedded-resource', 'text/plain', 'An embedded resource.'),
  ]);
  tool('test_multiple_content_types', [
    text('Several.'),
    image,
    embedded('test://mixed-content-resource', 'application/json', '{"test":"data"}'),
  ]);
  server.registerTool('test_error_handling', { description: 'Always throws.' }, () => {
    throw new Error('This tool throws, as it should.');
  });
}

/** Tools that say or ask something while they run. */
function addTalkingTools(server: McpServer): void {
  server.registerTool('test_tool_with_logging', { description: 'Logs.' }, async (extra) => {
    for (const data of ['started', 'under way', 'completed']) {
      const params = { level: 'info' as const, data };
      await extra.sendNotification({ method: 'notifications/message', params });
      await pause(50);
    }
    return { content: [text('Logged.')] };
  });
  server.registerTool('test_tool_with_progress', { description: 'Tells its progress.' }, async (extra) => {
    const progressToken = extra._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        const params = { progressToken, progress, total: 100 };
        await extra.sendNotification({ method: 'notifications/progress', params });
      }
      await pause(50);
    }
    return { content: [text('Done.')] };
  });
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model.', inputSchema: { prompt: z.string() } },
    async ({ prompt }, { sendRequest }) => {
      const messages = [{ role: 'user' as const, content: text(prompt) }];
      const params = { messages, maxTokens: 100 };
      const request = { method: 'sampling/createMessage' as const, params };
      const { content } = await sendRequest(request, CreateMessageResultSchema);
      return { content: [text(JSON.stringify(content))] };
    },
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the person.', inputSchema: { message: z.string() } },
    ({ message }, extra) => elicit(extra, message, userDetails),
  );
  server.registerTool('test_elicitation_sep1034_defaults', { description: 'Asks, with defaults.' }, (extra) =>
    elicit(extra, 'Who are you?', person),
  );
  server.registerTool('test_elicitation_sep1330_enums', { description: 'Asks for choices.' }, (extra) =>
    elicit(extra, 'Which?', choices),
  );
  server.registerTool(
    'test_reconnection',
    { description: 'Ends its stream, and goes on.' },
    async (extra) => {
      extra.closeSSEStream?.();
      await pause(100);
      return { content: [text('Still here.')] };
    },
  );
}

async function elicit(
  { sendRequest }: Extra,
  message: string,
  requestedSchema: ElicitRequestFormParams['requestedSchema'],
) {
  const params = { mode: 'form' as const, message, requestedSchema };
  const answer = await sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema);
  return { content: [text(JSON.stringify(answer))] };
}

function addResources(server: McpServer): void {
  server.registerResource(
    'text',
    'test://static-text',
    { description: 'A text.', mimeType: 'text/plain' },
    ({ href }) => ({ contents: [{ uri: href, mimeType: 'text/plain', text: 'The text.' }] }),
  );
  server.registerResource(
    'binary',
    'test://static-binary',
    { description: 'An image.', mimeType: 'image/png' },
    ({ href }) => ({ contents: [{ uri: href, mimeType: 'image/png', blob: png }] }),
  );
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'What its address says.', mimeType: 'application/json' },
    ({ href }, { id }) => ({
      contents: [{ uri: href, mimeType: 'application/json', text: JSON.stringify({ id }) }],
    }),
  );
  const subscribed = new Set<string>();
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(params.uri);
    return {};
  });
  server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    subscribed.delete(params.uri);
    return {};
  });
}

function addPrompts(server: McpServer): void {
  const said = (...contents: readonly unknown[]) => ({
    messages: contents.map((content) => ({ role: 'user' as const, content: content as never })),
  });
  server.registerPrompt('test_simple_prompt', { description: 'A text.' }, () => said(text('A prompt.')));
  const args = { arg1: completable(z.string(), () => []), arg2: z.string() };
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'Repeats.', argsSchema: args },
    ({ arg1, arg2 }) => said(text(`${arg1} and ${arg2}`)),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'Embeds.', argsSchema: { resourceUri: z.string() } },
    ({ resourceUri }) => said(embedded(resourceUri, 'text/plain', 'Embedded.'), text('Read it.')),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'Shows.' }, () =>
    said(image, text('Look at it.')),
  );
}

/** The SDK makes the JSON Schema of a tool from zod, which has no words for some of its keywords. */
function listJsonSchemaAsItIs(server: McpServer): void {
  server.registerTool(jsonSchemaTool.name, { description: jsonSchemaTool.description }, () => ({
    content: [text('Listed.')],
  }));
  // The handler that the SDK has put there, which its public API does not give back.
  const handlers = (server.server as unknown as { _requestHandlers: Map<string, Handler> })._requestHandlers;
  const list = handlers.get('tools/list');
  server.server.setRequestHandler(ListToolsRequestSchema, async (request, extra) => {
    const { tools } = (await list?.(request, extra)) ?? { tools: [] };
    return { tools: tools.map((tool) => (tool.name === jsonSchemaTool.name ? jsonSchemaTool : tool)) };
  });
}

type Handler = (
  request: unknown,
  extra: unknown,
) => Promise<{ tools: { name: string; inputSchema: { type: 'object' } }[] }>;
