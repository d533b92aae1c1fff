import assert from 'node:assert/strict';
import { createClient } from 'redis';
import { isResilientMcpError, RedisStore } from '../../../src/server/index.ts';
import { describeWithRedis, RedisServer } from '../../support/redis-server.ts';
import { isAStore } from '../stores/contract.ts';

describeWithRedis('the store in Redis', () => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;
  before(async () => {
    redis = await RedisServer.start();
    client = createClient({ url: redis.url });
    client.on('error', () => {});
    await client.connect();
  });
  after(async () => {
    client.destroy();
    await redis[Symbol.asyncDispose]();
  });
  const make = async () => {
    await client.flushAll();
    return new RedisStore({ client });
  };
  // Redis has a clock of its own: what ends after so many ms is gone once a key of so many ms is.
  const pass = async (ms: number) => {
    await client.set('clock', 'x', { PX: ms });
    while ((await client.exists('clock')) > 0) await client.ping();
  };
  isAStore(make, pass);

  it('carries texts from one process to others, and says how many got them', async () => {
    const [one, two] = [await make(), new RedisStore({ client })];
    assert.equal(await one.bus.publish('channel', 'nobody hears'), 0);
    const heard = Promise.withResolvers<string>();
    await two.bus.subscribe('channel', heard.resolve);
    assert.equal(await one.bus.publish('channel', 'a ☂'), 1);
    assert.equal(await heard.promise, 'a ☂');
    await Promise.all([one.close(), two.close()]);
  });

  it('refuses what is no client', () => {
    assert.throws(
      () => new RedisStore({ client: {} as never }),
      (error: Error) => isResilientMcpError(error, 'INVALID_CONFIGURATION'),
    );
  });
});
