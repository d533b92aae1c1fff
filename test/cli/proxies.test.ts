import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { selfSigned } from '../diagnosis/certificates.ts';
import { ConnectProxy } from '../support/connect-proxy.ts';
import { scratchFolder } from '../support/scratch.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { bridged } from './bridged.ts';

/** The variables that this machine may have. */
const none = {
  HTTPS_PROXY: '',
  https_proxy: '',
  HTTP_PROXY: '',
  http_proxy: '',
  NO_PROXY: '',
  no_proxy: '',
  NODE_EXTRA_CA_CERTS: '',
};

/** TLS in front of a server, under a certificate for mcp.test. */
async function underTls(server: ScriptedServer) {
  const port = Number(new URL(server.url).port);
  const front = createServer(selfSigned, (client) => {
    const behind = connect(port, '127.0.0.1');
    client.on('error', () => behind.destroy());
    behind.on('error', () => client.destroy());
    client.pipe(behind).pipe(client);
  });
  front.on('tlsClientError', () => {});
  await once(front.listen(0, '127.0.0.1'), 'listening');
  return { port: (front.address() as AddressInfo).port, [Symbol.dispose]: () => front.close() };
}

describe('the command line behind a proxy', () => {
  it('reaches an https address by HTTPS_PROXY, and trusts what NODE_EXTRA_CA_CERTS names', async () => {
    await using server = await ScriptedServer.start();
    using front = await underTls(server);
    await using proxy = await ConnectProxy.start(front.port);
    using folder = scratchFolder();
    writeFileSync(folder.file('ca.pem'), selfSigned.cert);
    const env = { ...none, HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: folder.file('ca.pem') };
    await using client = await bridged('https://mcp.test/mcp', { env });
    assert.equal(await client.call('count', { key: 'a' }), 'ran a');
    assert.equal(server.runs('a'), 1);
    assert.deepEqual(new Set(proxy.asked), new Set(['CONNECT mcp.test:443']));
  });

  it('reaches an http address by HTTP_PROXY, and this machine without it', async () => {
    await using server = await ScriptedServer.start();
    await using proxy = await ConnectProxy.start(Number(new URL(server.url).port));
    const env = { ...none, HTTP_PROXY: proxy.url };
    {
      await using client = await bridged('http://mcp.test/mcp', { env });
      assert.equal(await client.call('count', { key: 'a' }), 'ran a');
    }
    const { length } = proxy.asked;
    assert.ok(proxy.asked.includes('POST http://mcp.test/mcp'), proxy.asked.join());
    await using client = await bridged(server.url, { env });
    assert.equal(await client.call('count', { key: 'b' }), 'ran b');
    assert.equal(proxy.asked.length, length);
  });

  it('says so when the proxy lets nobody through, when none is named, and what NO_PROXY keeps from it', async () => {
    await using proxy = await ConnectProxy.start(1);
    proxy.isOpen = false;
    const args = ['--patience', '0'];
    const refused = { ...none, HTTPS_PROXY: proxy.url };
    await assert.rejects(bridged('https://mcp.test/mcp', { env: refused, args }), /HTTPS_PROXY/);
    assert.deepEqual(new Set(proxy.asked), new Set(['CONNECT mcp.test:443']));
    await assert.rejects(bridged('https://mcp.test/mcp', { env: none, args }), /HTTPS_PROXY/);
    const { length } = proxy.asked;
    const kept = { ...refused, NO_PROXY: '.test' };
    await assert.rejects(bridged('https://mcp.test/mcp', { env: kept, args }), /ENOTFOUND|EAI_AGAIN/);
    assert.equal(proxy.asked.length, length);
  });

  it('says what helps against a certificate that is not trusted', async () => {
    await using server = await ScriptedServer.start();
    using front = await underTls(server);
    const args = ['--patience', '0'];
    const calling = bridged(`https://127.0.0.1:${front.port}/mcp`, { env: none, args });
    await assert.rejects(calling, /NODE_EXTRA_CA_CERTS/);
  });
});
