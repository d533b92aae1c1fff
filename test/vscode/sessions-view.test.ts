import assert from 'node:assert/strict';
import type { HubFact } from '../../src/hub/facts.ts';
import { FactHistory } from '../../src/hub/facts.ts';
import type { HubSnapshot } from '../../src/hub/snapshot.ts';
import type { Fleet } from '../hub/fleets.ts';
import './editor-double/load.ts';
import { type editor as Editor, newEditor } from './editor-double/vscode.ts';
import { EXAMPLES } from './facts.ts';
import { server, fleet as snapshotOf } from './snapshots.ts';

const { showSessions } = await import('../../src/vscode/views/sessions/sessions-view.ts');
const { WaitingServers } = await import('../../src/vscode/views/sessions/waiting-servers.ts');

/** As much of a fleet as the view reads. */
class FleetStandIn {
  now = snapshotOf();
  readonly #changes = new Set<(snapshot: HubSnapshot) => void>();
  readonly #facts = new Set<(fact: HubFact) => void>();

  snapshot = () => this.now;
  onDidChange = (listener: (snapshot: HubSnapshot) => void) => subscribed(this.#changes, listener);
  onFact = (listener: (fact: HubFact) => void) => subscribed(this.#facts, listener);

  become(now: HubSnapshot): void {
    this.now = now;
    for (const listener of this.#changes) listener(now);
  }

  tell(fact: HubFact): void {
    for (const listener of this.#facts) listener(fact);
  }

  get listeners(): number {
    return this.#changes.size + this.#facts.size;
  }
}

function subscribed<T>(listeners: Set<T>, listener: T) {
  listeners.add(listener);
  return { dispose: () => listeners.delete(listener) };
}

describe('the view "MCP Sessions" in the editor', () => {
  let editor: typeof Editor;
  let fleet: FleetStandIn;
  let history: FactHistory;
  let waiting: InstanceType<typeof WaitingServers>;
  let shown: { dispose(): unknown };

  beforeEach(() => {
    editor = newEditor();
    fleet = new FleetStandIn();
    fleet.now = snapshotOf(server('a'), server('b'));
    history = new FactHistory(fleet);
    waiting = new WaitingServers();
    shown = showSessions(fleet as unknown as Fleet, history, waiting);
  });

  afterEach(() => {
    shown.dispose();
    history.dispose();
  });

  const tree = () => editor.views.tree ?? assert.fail('there is no view');
  const labels = async () => (await tree().rows()).map(({ row }) => row.label);
  const changed = () => new Promise<void>((resolve) => tree().onDidChangeRows(() => resolve()));

  it('shows each server, with what the commands of its row need', async () => {
    const [first] = await tree().rows();
    assert.deepEqual(await labels(), ['a', 'b']);
    assert.equal(first?.row.contextValue, 'server.running');
    assert.deepEqual(first?.item && Object.entries(first.item).find(([key]) => key === 'server'), [
      'server',
      'a',
    ]);
    assert.match(first?.row.accessibilityInformation?.label ?? '', /^a: connected, generation 1/);
  });

  it('shows below them those that wait for trust, each with why', async () => {
    const after = changed();
    waiting.set([{ name: 'c', target: './c', key: 'command', how: 'relative' }]);
    await after;
    assert.deepEqual(await labels(), ['a', 'b', 'c']);
    const row = (await tree().rows())[2]?.row;
    const words = 'waits until this workspace is trusted: "command" is a relative path';
    assert.deepEqual([row?.contextValue, row?.description], ['waiting', words]);
    assert.equal(row?.accessibilityInformation?.label, `c: ${words}`);
  });

  it('follows the fleet and its facts, and a click on a fact shows it in the timeline', async () => {
    const after = changed();
    fleet.become(snapshotOf(server('a')));
    fleet.tell({ server: 'a', at: 1, fact: EXAMPLES.sessionLost });
    await after;
    assert.deepEqual(await labels(), ['a']);
    const [first] = await tree().rows();
    const facts = (await tree().rows(first?.item)).find(({ row }) => row.contextValue === 'facts');
    const [fact] = await tree().rows(facts?.item);
    assert.deepEqual(fact?.row.command?.command, 'resilientMcp.showTimeline');
    assert.deepEqual(fact?.row.command?.arguments, [{ server: 'a', seq: 1 }]);
  });

  it('has a badge as long as a server is down', async () => {
    const after = changed();
    fleet.become(snapshotOf(server('a', { status: 'down' })));
    await after;
    assert.equal(tree().badge?.value, 1);
    const healed = changed();
    fleet.become(snapshotOf(server('a')));
    await healed;
    assert.equal(tree().badge, undefined);
  });

  it('draws nothing while it is hidden, and what has changed when it is shown', async () => {
    tree().show(false);
    let drawn = 0;
    tree().onDidChangeRows(() => drawn++);
    fleet.become(snapshotOf(server('c')));
    tree().show(false);
    assert.equal(drawn, 0);
    tree().show(true);
    assert.equal(drawn, 1);
    assert.deepEqual(await labels(), ['c']);
  });

  it('listens no more once it is disposed', () => {
    shown.dispose();
    history.dispose();
    assert.equal(fleet.listeners, 0);
    assert.ok(tree().isDisposed);
  });
});
