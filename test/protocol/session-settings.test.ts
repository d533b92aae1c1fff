import assert from 'node:assert/strict';
import { isSetting, SessionSettings, settingRequests } from '../../src/protocol/session-settings.ts';
import { readMessages } from '../../src/protocol/text/message-text.ts';

const subscribe = (uri: string) => ({ method: 'resources/subscribe', params: { uri } });
const unsubscribe = (uri: string) => ({ method: 'resources/unsubscribe', params: { uri } });
const setLevel = (level: string) => ({ method: 'logging/setLevel', params: { level } });

describe('the settings of a session', () => {
  it('are put back by the requests that made them: the last log level, and each subscription in force', () => {
    const settings = new SessionSettings(10);
    for (const request of [
      subscribe('a'),
      subscribe('b'),
      setLevel('debug'),
      setLevel('error'),
      unsubscribe('a'),
    ]) {
      settings.apply(request);
    }
    assert.deepEqual(settingRequests(settings.snapshot()), [setLevel('error'), subscribe('b')]);
    assert.deepEqual([settings.isSubscribed('a'), settings.isSubscribed('b')], [false, true]);
  });

  it('are bounded: a subscription beyond the limit is not remembered, one that is known stays', () => {
    const settings = new SessionSettings(2);
    for (const uri of ['a', 'b', 'c', 'a']) settings.apply(subscribe(uri));
    assert.deepEqual([settings.size, settings.uris], [2, ['a', 'b']]);
    settings.apply(unsubscribe('a'));
    settings.apply(subscribe('c'));
    assert.deepEqual(settings.uris, ['b', 'c']);
    settings.restore({ logLevel: undefined, subscriptions: ['x', 'y', 'z'].map((uri) => ({ uri })) });
    assert.deepEqual(settings.uris, ['x', 'y']);
  });

  it('go over to another connection as plain data', () => {
    const settings = new SessionSettings(10);
    settings.apply({ method: 'resources/subscribe', params: { uri: 'a', _meta: { of: 'client' } } });
    settings.apply(setLevel('info'));
    const other = new SessionSettings(10);
    other.restore(JSON.parse(JSON.stringify(settings.snapshot())));
    assert.deepEqual(other.snapshot(), settings.snapshot());
  });

  it('are read from a message that is still text, and nothing is taken from what names none', () => {
    const settings = new SessionSettings(10);
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, ...subscribe('a'), padding: 'x'.repeat(3000) });
    const [read] = readMessages(text);
    settings.apply(read?.message as ReturnType<typeof subscribe>);
    settings.apply({ method: 'resources/subscribe', params: { uri: 7 } });
    settings.apply({ method: 'logging/setLevel', params: {} });
    settings.apply({ method: 'tools/call', params: { uri: 'b' } });
    assert.deepEqual([settings.logLevel, settings.uris], [undefined, ['a']]);
  });

  it('are changed by three methods alone', () => {
    const methods = ['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'tools/call'];
    assert.deepEqual(methods.map(isSetting), [true, true, true, false]);
  });
});
