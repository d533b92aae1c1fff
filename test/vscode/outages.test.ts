import assert from 'node:assert/strict';
import type { HubSnapshot, ServerSnapshot } from '../../src/hub/snapshot.ts';
import { HeldClock } from '../support/held-clock.ts';
import { Outages, SilencedServers } from './editor-double/load.ts';
import { editor, Keeping, newEditor } from './editor-double/vscode.ts';
import { fleet, server } from './snapshots.ts';

const down = (name: string) => server(name, { status: 'down', trouble: 'nobody listens' });

describe('outages', () => {
  let clock: HeldClock;
  let silenced: InstanceType<typeof SilencedServers>;
  let outages: InstanceType<typeof Outages>;
  let now: HubSnapshot;
  let tell: (snapshot: HubSnapshot) => void;

  beforeEach(() => {
    newEditor();
    clock = new HeldClock();
    silenced = new SilencedServers(new Keeping().workspaceState, () => {});
    now = fleet();
    outages = new Outages({
      clock,
      silenced,
      hub: {
        snapshot: () => now,
        onDidChange: (listener) => {
          tell = listener;
          return { dispose: () => {} };
        },
      },
    });
  });

  afterEach(() => outages.dispose());

  /** The servers are so, for longer than an outage is looked at before it is told. */
  async function become(...servers: readonly ServerSnapshot[]): Promise<readonly string[]> {
    const before = editor.notifications.length;
    now = fleet(...servers);
    tell(now);
    await clock.advance(2000);
    return editor.notifications.slice(before).map(({ text }) => text);
  }

  it('are told once each, however often the server is tried meanwhile', async () => {
    assert.equal((await become(down('a'))).length, 1);
    assert.deepEqual(await become(down('a')), []);
    assert.deepEqual(await become(server('a', { status: 'recovering' })), []);
    assert.deepEqual(await become(down('a')), []);
  });

  it('are told again when the server was there in between', async () => {
    await become(down('a'));
    assert.deepEqual(await become(server('a')), []);
    assert.equal((await become(down('a'))).length, 1);
  });

  it('that begin together are told together', async () => {
    const [told = '', ...more] = await become(down('a'), down('b'));
    assert.match(told, /2 servers are down: a, b/);
    assert.deepEqual(more, []);
  });

  it('are not told when they are over before anybody was told', async () => {
    now = fleet(down('a'));
    tell(now);
    assert.deepEqual(await become(server('a')), []);
  });

  it('are not told of what heals by itself', async () => {
    assert.deepEqual(await become(server('a', { status: 'recovering' })), []);
    assert.deepEqual(await become(server('a', { status: 'unreachable' })), []);
  });

  it('are not told where the setting says so, or of a server of which nobody wants to hear', async () => {
    editor.settings.set('notifyWhenDown', false);
    assert.deepEqual(await become(down('a')), []);
    editor.settings.set('notifyWhenDown', true);
    await silenced.add(['b']);
    assert.deepEqual(await become(down('a'), down('b')), []);
    await silenced.delete(['b']);
    await become(server('a'), server('b'));
    assert.equal((await become(down('b'))).length, 1);
  });

  it('of which a person knows already are not told', async () => {
    outages.note(['a']);
    assert.deepEqual(await become(down('a')), []);
  });
});
