import assert from 'node:assert/strict';
import type { HubSnapshot } from '../../src/hub/snapshot.ts';
import { createApi } from '../../src/vscode/api.ts';
import { config, hasTools, reachesServer, realFleet } from '../hub/fleets.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

describe('the API for other extensions', () => {
  it('is of version 1, and frozen', () => {
    const api = createApi(realFleet());
    assert.equal(api.version, 1);
    assert.ok(Object.isFrozen(api));
  });

  it('shows, resets, calls and tells of changes, in plain data', async () => {
    await using server = await ScriptedServer.start();
    const fleet = realFleet();
    const api = createApi(fleet);
    const seen: HubSnapshot[] = [];
    const subscription = api.onDidChange((snapshot) => seen.push(snapshot));
    fleet.apply([config('a', server.url)]);
    await reachesServer(fleet, 'a', hasTools);
    const answer = await api.callTool('a', 'count', { key: 'k' });
    const outcomes = await api.resetSession('a');
    subscription.dispose();
    for (const data of [answer, outcomes, api.snapshot(), seen])
      assert.deepEqual(structuredClone(data), data);
    assert.equal(api.snapshot().servers[0]?.connection.generation, 2);
    assert.ok(seen.length > 0);
    await fleet.close();
  });
});
