import assert from 'node:assert/strict';
import type { SupervisedServer } from '../../../harness/supervised-server.ts';
import { describeWithRedis, RedisServer } from '../../support/redis-server.ts';
import { clients } from '../scenarios/clients.ts';
import { lineOf, startProgram } from '../scenarios/programs.ts';
import { type Balancer, balance } from './balancer.ts';

for (const [name, connect] of Object.entries(clients)) {
  describeWithRedis(
    `two replicas with one Redis behind a plain balancer, under an unmodified ${name} client`,
    () => {
      let redis: RedisServer;
      let replicas: SupervisedServer[] = [];
      let balancer: Balancer;

      beforeEach(async () => {
        redis = await RedisServer.start();
        const options = { store: { redis: redis.url }, resumableStreams: true };
        replicas = await Promise.all([startProgram(options), startProgram(options)]);
        balancer = await balance(replicas);
      });
      afterEach(async () => {
        await balancer[Symbol.asyncDispose]();
        await Promise.all(replicas.map((replica) => replica.kill()));
        await redis[Symbol.asyncDispose]();
      });
      const pids = () => replicas.map(({ pid }) => pid);
      const replica = (at: number) => replicas[at] ?? assert.fail('no such replica');

      it('every call is served, by both in turn, in one session', async () => {
        await using client = await connect(balancer.url);
        const served = new Set<unknown>();
        for (let call = 0; call < 20; call += 1) served.add(await client.call('pid'));
        assert.deepEqual(served, new Set(pids()));
      });

      it('an answer to a question reaches the replica that asked, wherever it lands', async () => {
        await using client = await connect(balancer.url, {
          answer: async (message) => {
            // Not where the question came from.
            balancer.only(replica(message === 'to 0' ? 1 : 0));
            return message;
          },
        });
        for (const at of [0, 1, 0, 1]) {
          balancer.only(replica(at));
          const asked = await client.call('ask', { message: `to ${at}` });
          assert.deepEqual(asked, [replica(at).pid, 'accept', `to ${at}`]);
        }
        balancer.only(undefined);
        for (let call = 0; call < 10; call += 1) {
          const [pid, content] = (await client.call('sample', { text: 'hello' })) as [number, object];
          assert.ok(pids().includes(pid));
          assert.deepEqual(content, { type: 'text', text: 'sampled' });
        }
      });

      it('a cancellation reaches the replica that works, wherever it lands', async () => {
        await using client = await connect(balancer.url);
        balancer.only(replica(0));
        await client.call('pid');
        const leave = new AbortController();
        const waiting = lineOf(replica(0), /^waiting$/);
        const call = client.call('wait', {}, leave.signal);
        await waiting;
        const cancelled = lineOf(replica(0), /^cancelled$/);
        balancer.only(replica(1));
        leave.abort();
        await assert.rejects(call);
        await cancelled;
      });

      it('what one sends of its own accord goes out on the GET stream that the other holds', async () => {
        balancer.only(replica(0));
        await using client = await connect(balancer.url);
        await client.call('pid');
        await client.setLevel('info');
        // The client opens its stream right after the handshake; nothing tells it that the stream is open.
        while (client.logged.length === 0) await client.call('log', { level: 'info' });
        balancer.only(replica(1));
        await client.call('log', { level: 'debug' });
        await client.call('log', { level: 'error' });
        const fromOther = () => client.logged.filter((data) => data === `from ${replica(1).pid}`);
        while (fromOther().length === 0) await client.call('pid');
        assert.equal(fromOther().length, 1);
      });

      it('the rest of an answer is given by the other when the stream breaks, or that it was lost', async () => {
        await using client = await connect(balancer.url);
        const id = client.sessionId ?? '';
        const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
        const begin = async (ms: number) => {
          const params = { name: 'hold', arguments: { ms } };
          const response = await fetch(replica(0).url, {
            method: 'POST',
            headers: {
              ...headers,
              'content-type': 'application/json',
              accept: 'application/json, text/event-stream',
            },
            body: JSON.stringify({ jsonrpc: '2.0', id: `hold ${ms}`, method: 'tools/call', params }),
          });
          const reader = response.body?.getReader();
          const priming = new TextDecoder().decode((await reader?.read())?.value);
          await reader?.cancel();
          const lastEventId = /^id: (.+)$/m.exec(priming)?.[1] ?? assert.fail(priming);
          return { ...headers, accept: 'text/event-stream', 'last-event-id': lastEventId };
        };
        const finished = await begin(300);
        const rest = await (await fetch(replica(1).url, { headers: finished })).text();
        assert.match(rest, new RegExp(`"text":"${replica(0).pid}"`));
        const interrupted = await begin(60_000);
        const lost = fetch(replica(1).url, { headers: interrupted });
        assert.equal((await lost).status, 200);
        await replica(0).kill();
        assert.match(await (await lost).text(), /may or may not have run/);
      });

      it('a session that is ended at one is over at the other', async () => {
        await using client = await connect(balancer.url);
        for (const at of [0, 1]) {
          balancer.only(replica(at));
          await client.call('pid');
        }
        const id = client.sessionId ?? '';
        await client.end();
        balancer.only(replica(0));
        const headers = { 'mcp-session-id': id, 'content-type': 'application/json' };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
        for (const { url } of replicas) {
          assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 404);
        }
      });

      it('settings, subscriptions and the state of a session hold at both', async () => {
        await using client = await connect(balancer.url);
        for (const at of [0, 1]) {
          balancer.only(replica(at));
          await client.call('pid');
        }
        balancer.only(replica(0));
        await client.subscribe('note://a');
        await client.call('remember', { value: 'x' });
        balancer.only(replica(1));
        // Passed on, so a moment later.
        const [pid, state] = await told(
          () => client.call('recall'),
          ([, value]) => value !== undefined && value !== null,
        );
        assert.deepEqual([pid, state], [replica(1).pid, { value: 'x' }]);
        const [, subscribed] = await told(
          () => client.call('subscribed'),
          ([, uris]) => (uris as []).length > 0,
        );
        assert.deepEqual(subscribed, ['note://a']);
      });

      it('one of them is killed under load, and no session and no later call is lost', async () => {
        const connected = await Promise.all(Array.from({ length: 4 }, () => connect(balancer.url)));
        const ids = connected.map(({ sessionId }) => sessionId);
        const failures: string[] = [];
        let stop = false;
        let calls = 0;
        const load = connected.map(async (client) => {
          while (!stop) {
            await client.call('echo', { text: 'x' }).catch((error) => failures.push(String(error)));
            calls += 1;
          }
        });
        const many = async (more: number) => {
          for (const until = calls + more; calls < until; )
            await new Promise((resolve) => setImmediate(resolve));
        };
        await many(100);
        await replica(0).kill();
        await many(100);
        await replica(0).start();
        await many(100);
        stop = true;
        await Promise.all(load);
        // Those that were under way at the killed one; nobody can know whether they had run.
        assert.ok(failures.length <= connected.length, failures.join('\n'));
        for (const [at, client] of connected.entries()) {
          assert.equal(await client.call('echo', { text: 'after' }), 'after');
          assert.equal(client.sessionId, ids[at]);
          const [, action] = (await client.call('ask', { message: 'still there?' })) as unknown[];
          assert.equal(action, 'accept');
        }
        await Promise.all(connected.map((client) => client[Symbol.asyncDispose]()));
      });

      it('Redis is killed and started again in the middle', async () => {
        await using client = await connect(balancer.url);
        await client.call('pid');
        await redis.kill();
        for (let call = 0; call < 4; call += 1) assert.equal(await client.call('echo', { text: 'x' }), 'x');
        await redis.start();
        for (let call = 0; call < 4; call += 1) {
          const [, action] = (await client.call('ask', { message: 'hello' })) as unknown[];
          assert.equal(action, 'accept');
        }
        const headers = { 'mcp-session-id': client.sessionId ?? '', 'content-type': 'application/json' };
        await client.end();
        await redis.kill();
        await redis.start();
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
        for (const { url } of replicas) {
          await told(
            async () => [(await fetch(url, { method: 'POST', headers, body })).status],
            ([status]) => status === 404,
          );
        }
      });
    },
  );

  describe(`two replicas that share nothing but a key, under an unmodified ${name} client`, () => {
    it('serve every call in one session, also when one of them is killed and started again', async () => {
      const replicas = await Promise.all([startProgram(), startProgram()]);
      await using balancer = await balance(replicas);
      await using client = await connect(balancer.url);
      const id = client.sessionId;
      for (let round = 0; round < 2; round += 1) {
        for (let call = 0; call < 10; call += 1) assert.equal(await client.call('echo', { text: 'x' }), 'x');
        await replicas[0]?.kill();
        for (let call = 0; call < 10; call += 1) assert.equal(await client.call('echo', { text: 'y' }), 'y');
        await replicas[0]?.start();
      }
      assert.equal(client.sessionId, id);
      await Promise.all(replicas.map((replica) => replica.kill()));
    });
  });
}

/** Asks again until what was passed on has arrived. */
async function told(
  ask: () => Promise<unknown>,
  hasArrived: (answer: unknown[]) => boolean,
): Promise<unknown[]> {
  for (;;) {
    const answer = (await ask()) as unknown[];
    if (hasArrived(answer)) return answer;
  }
}
