import assert from 'node:assert/strict';
import { config, isReady, reachesServer, realFleet } from '../hub/fleets.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { opened, plain } from './gateways.ts';

describe('a server that is paused, behind the gateway', () => {
  for (const shared of [false, true]) {
    const how = shared ? 'a shared session' : 'a session of its own';
    it(`is told of in words, and answers clients again on the same connection (${how})`, async () => {
      await using server = await ScriptedServer.start();
      const fleet = realFleet();
      try {
        fleet.apply([{ ...config('one', server.url), shared }]);
        if (!shared) await reachesServer(fleet, 'one', isReady);
        await using gateway = await opened(server.url, {
          upstream: { open: (options) => fleet.connect('one', options), shared },
        });
        await using client = await plain(gateway);
        const { sessionId } = client.transport;
        assert.equal(await client.call('count', { key: 'a' }), 'ran a');

        fleet.pause('one');
        assert.equal(await client.call('count', { key: 'b' }), 'CONNECTION_PAUSED');
        assert.equal(server.runs('b'), 0);
        // The handshake with a shared session is the gateway's to answer, which knows what the server has said of itself.
        if (!shared) await assert.rejects(plain(gateway), /paused; the request was not sent\. Resume it/);

        fleet.resume('one');
        assert.equal(await client.call('count', { key: 'c' }), 'ran c');
        assert.equal(client.transport.sessionId, sessionId);
        assert.equal(server.runs('c'), 1);
        await using later = await plain(gateway);
        assert.equal(await later.call('count', { key: 'd' }), 'ran d');
      } finally {
        await fleet.close();
      }
    });
  }
});
