import assert from 'node:assert/strict';
import type { SharedClient } from '../../src/hub/shared/shared-client.ts';
import { MAX_SUBSCRIPTIONS, SharedSettings } from '../../src/hub/shared/shared-settings.ts';

describe('settings in a session that clients share', () => {
  it('are remembered up to a limit; of what is beyond it everybody hears', () => {
    const settings = new SharedSettings();
    const client = {} as SharedClient;
    const subscribe = (uri: string) => {
      const request = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri } } as const;
      settings.learn(client, request, { jsonrpc: '2.0', id: 1, result: {} });
    };
    for (let n = 0; n <= MAX_SUBSCRIPTIONS; n++) subscribe(`of ${n}`);
    assert.deepEqual(settings.subscribers('of 0'), [client]);
    assert.equal(settings.subscribers(`of ${MAX_SUBSCRIPTIONS}`), undefined);
    assert.equal(settings.forget(client).length, MAX_SUBSCRIPTIONS);
  });
});
