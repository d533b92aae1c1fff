import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import express from 'express';
import { Hono } from 'hono';
import { expressHandler, honoHandler, nodeListener, SessionManager } from '../../src/server/index.ts';
import { initialize } from './served.ts';

type Ask = (init: RequestInit) => Promise<Response>;

async function over(listener: RequestListener): Promise<{ ask: Ask } & Disposable> {
  const http = createServer(listener);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  return {
    ask: (init) => fetch(url, init),
    [Symbol.dispose]() {
      http.closeAllConnections();
      http.close();
    },
  };
}

const adapters: Readonly<Record<string, (manager: SessionManager) => Promise<{ ask: Ask } & Disposable>>> = {
  'the listener for node:http': (manager) => over(nodeListener(manager)),
  'the handler for Express': (manager) => over(express().all('/mcp', expressHandler(manager))),
  'the handler for Express behind express.json()': (manager) =>
    over(express().use(express.json()).all('/mcp', expressHandler(manager))),
  'the handler for Hono': async (manager) => {
    const app = new Hono().all('/mcp', honoHandler(manager));
    const ask: Ask = async (init) => app.request(new Request('http://localhost/mcp', init));
    return { ask, [Symbol.dispose]() {} };
  },
};

const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

for (const [name, make] of Object.entries(adapters)) {
  describe(`${name} is lax in what it takes (issue 12, §4)`, () => {
    it('a DELETE that calls its missing body JSON, as every client in Python sends it: the session is over', async () => {
      const manager = new SessionManager(() => new McpServer({ name: 'lax', version: '1.0.0' }), {
        key: 'the key of the tests, of 32 characters or more',
      });
      using server = await make(manager);
      const opened = await server.ask({ method: 'POST', headers, body: JSON.stringify(initialize) });
      await opened.text();
      const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
      assert.equal(manager.sessions, 1);
      const ended = await server.ask({ method: 'DELETE', headers: { ...headers, ...session } });
      assert.equal(ended.status, 200);
      assert.equal(manager.sessions, 0);
      await manager.close();
    });
  });
}
