import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import express from 'express';
import { Hono } from 'hono';
import { expressHandler, honoHandler, SessionManager } from '../../src/server/index.ts';
import { clients } from './scenarios/clients.ts';

const connect = clients['SDK v1'] ?? assert.fail('no client');
const authInfo = { token: 't', clientId: 'someone', scopes: [] };

function manager(): SessionManager {
  const factory = () => {
    const server = new McpServer({ name: 'adapted', version: '1.0.0' });
    server.registerTool('who', {}, (extra) => ({
      content: [{ type: 'text', text: JSON.stringify(extra.authInfo?.clientId ?? 'nobody') }],
    }));
    return server;
  };
  return new SessionManager(factory, { key: 'the key of the tests, of 32 characters or more' });
}

async function listening(listener: RequestListener) {
  const http = createServer(listener);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    [Symbol.dispose]() {
      http.closeAllConnections();
      http.close();
    },
  };
}

/** A `fetch` that stays in the process: Hono needs no server in between. */
function toApp(app: { request(request: Request): Response | Promise<Response> }): typeof fetch {
  return async (address, init) => app.request(new Request(address as URL, init as RequestInit));
}

describe('the handler for Express', () => {
  for (const withParser of [true, false]) {
    it(`serves the SDK's client ${withParser ? 'behind' : 'without'} express.json()`, async () => {
      const app = express();
      if (withParser) app.use(express.json());
      app.use((request, _response, next) => {
        Object.assign(request, { auth: authInfo });
        next();
      });
      app.all('/mcp', expressHandler(manager()));
      using server = await listening(app);
      await using client = await connect(server.url);
      assert.equal(await client.call('who'), 'someone');
    });
  }
});

describe('the handler for Hono', () => {
  it("serves the SDK's client, and knows who a middleware said it is", async () => {
    const app = new Hono<{ Variables: { auth: typeof authInfo } }>();
    app.use(async (context, next) => {
      context.set('auth', authInfo);
      await next();
    });
    app.all('/mcp', honoHandler(manager()));
    await using client = await connect('http://localhost/mcp', { fetch: toApp(app) });
    assert.equal(await client.call('who'), 'someone');
  });
});
