import assert from 'node:assert/strict';
import * as v2 from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioClientTransport2 } from '@modelcontextprotocol/client/stdio';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import { ResilientTransport } from '../../src/client/index.ts';
import { type Connected, connectedBy, quick } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import { SseServer } from '../support/sse-server.ts';
import { Ledger, lives, programPath } from '../support/stdio/ledger.ts';

const { recovery = {} } = quick;

// The SDK declares its transports without exactOptionalPropertyTypes, and its interface with it.
const over = (make: () => unknown) =>
  connectedBy(ResilientTransport.over(make as () => Transport, { recovery }));

const next = (scenario: Connected<HealingTransport>, generation: number) =>
  scenario.state((now) => now.status === 'ready' && now.generation === generation);

const lines = [
  ['1.x', StdioClientTransport, SSEClientTransport],
  ['2.x', StdioClientTransport2, v2.SSEClientTransport],
] as const;

for (const [line, Stdio, Sse] of lines) {
  describe(`the transport of the SDK ${line} for stdio, under the same recovery`, () => {
    let ledger: Ledger;
    let scenario: Connected<HealingTransport>;
    const entry = () => ({ command: process.execPath, args: [programPath], env: { LEDGER: ledger.path } });

    beforeEach(async () => {
      ledger = new Ledger();
      scenario = await over(() => new Stdio({ ...entry(), stderr: 'ignore' }));
    });
    afterEach(async () => {
      await scenario.client.close();
      ledger[Symbol.dispose]();
    });

    it('has its program started again when it was killed', async () => {
      process.kill(ledger.pid, 'SIGKILL');
      await next(scenario, 2);
      assert.equal(await scenario.call('count', 'a'), 'ran a');
    });

    it('reports a call that may have run, and repeats one that only reads', async () => {
      await scenario.client.listTools();
      assert.equal(await scenario.call('exit', 'a'), 'OUTCOME_UNKNOWN');
      assert.equal(ledger.runs('exit', 'a'), 1);
      const call = scenario.call('exitPeek', 'b');
      assert.equal(await call, 'OUTCOME_UNKNOWN');
      assert.equal(ledger.runs('exitPeek', 'b'), 5);
    });

    it('leaves no program when it is closed, and none beside another when it is reset', async () => {
      await scenario.transport.resetSession();
      assert.deepEqual(
        ledger.lines.map((line) => line.split(' ')[0]),
        ['started', 'input', 'started'],
      );
      await scenario.client.close();
      assert.deepEqual(ledger.pids().filter(lives), []);
    });

    it('knows the answers of a program that gives numeric ids back as text (issue 12, §4)', async () => {
      const { command, args, env } = entry();
      const started = { command, args, env: { ...env, IDS: 'text' }, stderr: 'ignore' } as const;
      await using other = await over(() => new Stdio(started));
      assert.equal(await other.call('count', 'a'), 'ran a');
    });

    it('says why a program could not be started', async () => {
      const failure = await over(() => new Stdio({ command: 'no-such-program' })).catch((error) => error);
      assert.ok(isFailure(failure, 'SERVER_NOT_STARTED'), String(failure));
      assert.match(failure.message, /spawn no-such-program ENOENT/);
    });
  });

  describe(`the transport of the SDK ${line} for HTTP+SSE, under the same recovery`, () => {
    const overSse = (server: SseServer) => over(() => new Sse(new URL(server.url)));

    it('has a new session opened, and only one, when its stream ends', async () => {
      await using server = await SseServer.start();
      await using scenario = await overSse(server);
      await scenario.client.setLoggingLevel('debug');
      server.cut();
      await next(scenario, 2);
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.deepEqual([server.count('opened'), server.streams, server.count('level debug')], [2, 1, 2]);
    });

    it('has a message sent again that was refused with its session', async () => {
      await using server = await SseServer.start();
      await using scenario = await overSse(server);
      server.forget();
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.count('run count a'), 1);
      server.unknownSession = { status: 400, body: 'No transport found for sessionId' };
      server.forget();
      assert.equal(await scenario.call('count', 'b'), 'ran b');
      assert.equal(server.count('run count b'), 1);
      assert.equal(scenario.transport.snapshot().generation, 3);
      assert.deepEqual(scenario.errors, []);
    });

    it('passes on other refusals with their status, and reports a call that may have run', async () => {
      await using server = await SseServer.start();
      await using scenario = await overSse(server);
      server.next({ status: 413, body: 'too large' });
      assert.equal(await scenario.call('count', 'a'), 'HTTP_STATUS');
      server.next({ status: 503 });
      assert.equal(await scenario.call('count', 'b'), 'ran b');
      server.next('cut-after-run');
      assert.equal(await scenario.call('count', 'c'), 'OUTCOME_UNKNOWN');
      server.next('reset');
      assert.equal(await scenario.call('count', 'd'), 'OUTCOME_UNKNOWN');
      assert.equal(await scenario.call('count', 'e'), 'ran e');
    });

    it('leaves no stream when it is closed', async () => {
      await using server = await SseServer.start();
      const scenario = await overSse(server);
      await scenario.client.close();
      while (server.streams > 0) await new Promise((resolve) => setImmediate(resolve));
    });
  });
}
