import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { systemClock } from '../../src/base/environment.ts';
import { adviceOn, describeNetworkError, interruptionOf } from '../../src/client/wire/http/network-error.ts';
import { NodeClient } from '../../src/client/wire/http/node/node-client.ts';
import { selfSigned } from '../diagnosis/certificates.ts';
import { HeldClock, settle } from '../support/held-clock.ts';

async function failing(scheme: string, server: Server, clock = systemClock): Promise<unknown> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = new NodeClient(() => assert.fail('there is node:http here'), clock);
  const address = new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  try {
    const sending = client.send(address, { method: 'POST', body: '{}' });
    return await sending.then(
      () => assert.fail('it was answered'),
      (error) => error,
    );
  } finally {
    await client.close();
    server.close();
  }
}

describe('a request for which no connection could be made', () => {
  it('was never sent, whatever the system call was answered', () => {
    for (const code of ['ECONNRESET', 'ETIMEDOUT', 'EPERM', 'ECONNREFUSED', 'EPIPE']) {
      const cause = Object.assign(new Error(`connect ${code} 10.0.0.1:80`), { code, syscall: 'connect' });
      assert.equal(interruptionOf(cause), 'notExecuted', code);
      assert.equal(interruptionOf(new TypeError('fetch failed', { cause })), 'notExecuted', code);
      const tries = new AggregateError([cause, cause]);
      assert.equal(interruptionOf(tries), 'notExecuted', code);
    }
    for (const syscall of ['read', 'write']) {
      const error = Object.assign(new Error(`${syscall} ECONNRESET`), { code: 'ECONNRESET', syscall });
      assert.equal(interruptionOf(error), 'unknown', syscall);
    }
  });

  it('met a certificate that is not trusted: it was never sent, and the words say what helps', async () => {
    const error = await failing(
      'https',
      createTlsServer(selfSigned, (_, response) => response.end()),
    );
    assert.equal(interruptionOf(error), 'notExecuted');
    assert.match(describeNetworkError(error), /certificate is not trusted here.*DEPTH_ZERO_SELF_SIGNED_CERT/);
    assert.match(adviceOn(error) ?? '', /NODE_EXTRA_CA_CERTS/);
  });

  it('spoke TLS to what speaks none: it was never sent, and the words say so', async () => {
    const error = await failing(
      'https',
      createHttpServer((_, response) => void response.end()),
    );
    assert.equal(interruptionOf(error), 'notExecuted');
    assert.match(describeNetworkError(error), /does not speak TLS/);
    assert.match(adviceOn(error) ?? '', /http, and not of https/);
  });

  it('was cut in the handshake: it was never sent', async () => {
    const error = await failing(
      'https',
      createTcpServer((socket) => socket.destroy()),
    );
    assert.equal(interruptionOf(error), 'notExecuted');
  });

  it('is given up after ten seconds, and was never sent', async () => {
    const clock = new HeldClock();
    const silent = createTcpServer(() => {});
    const ending = failing('https', silent, clock);
    await once(silent, 'connection');
    while (clock.pending === 0) await settle();
    await clock.advance(10_000);
    const error = await ending;
    assert.equal(interruptionOf(error), 'notExecuted');
    assert.match(describeNetworkError(error), /no connection within 10000 ms/);
  });
});

describe('a request whose connection broke', () => {
  it('spoke plainly to what wants TLS: it may have run, and the words ask for https', async () => {
    const error = await failing(
      'http',
      createTlsServer(selfSigned, (_, response) => response.end()),
    );
    assert.equal(interruptionOf(error), 'unknown');
    assert.match(describeNetworkError(error), /closed the connection without an answer/);
    assert.match(adviceOn(error) ?? '', /does it want https/);
  });
});
