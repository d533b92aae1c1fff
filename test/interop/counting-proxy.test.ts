import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CountingProxy } from './counting-proxy.ts';

const call = (key: string) => JSON.stringify({ method: 'tools/call', params: { key } });

async function behindProxy(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = new CountingProxy((server.address() as AddressInfo).port, /key-\d+/);
  await proxy.open();
  const post = (body: string) => fetch(`http://127.0.0.1:${proxy.port}/mcp`, { method: 'POST', body });
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await proxy.shut();
  };
  return { proxy, post, [Symbol.asyncDispose]: close };
}

describe('the proxy that counts calls', () => {
  it('counts those that were not refused, each time, and nothing else', async () => {
    await using behind = await behindProxy((request, response) => {
      response.statusCode = request.headers['content-length'] === String(call('key-1').length) ? 200 : 404;
      response.end('said');
    });
    assert.equal(await (await behind.post(call('key-1'))).text(), 'said');
    await behind.post(call('key-1'));
    assert.equal((await behind.post(call('key-22'))).status, 404);
    await behind.post('{"method":"tools/list"}');
    assert.deepEqual(behind.proxy.runs, ['key-1', 'key-1']);
  });

  it('counts a call that was cut off: it may have run', async () => {
    await using behind = await behindProxy((request) => request.socket.destroy());
    await assert.rejects(behind.post(call('key-3')));
    assert.deepEqual(behind.proxy.runs, ['key-3']);
  });

  it('counts none that never got there, and refuses connections while it is shut', async () => {
    const behind = await behindProxy(() => {});
    await behind[Symbol.asyncDispose]();
    await assert.rejects(behind.post(call('key-4')));
    await behind.proxy.open();
    await assert.rejects(behind.post(call('key-5')));
    await behind.proxy.shut();
    assert.deepEqual(behind.proxy.runs, []);
  });
});
