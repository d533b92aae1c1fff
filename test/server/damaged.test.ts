import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { MemoryStore } from '../../src/server/index.ts';
import { initialize, open, ping, refusal, type Served, served } from './served.ts';

const key = 'the key of the tests, of 32 characters or more';

/** What only the holder of the key can make: an id that is signed as ours are. */
function signed(payload: string): string {
  const text = `${'n'.repeat(24)}.${Buffer.from(payload).toString('base64url')}`;
  const said = JSON.stringify(['resilient-mcp', 'session', '', text]);
  return `${text}.${createHmac('sha256', key).update(said).digest('base64url')}`;
}

/** A store whose every record becomes no JSON when it is read, as of a file that was edited or cut short. */
class Damaged extends MemoryStore {
  isDamaged = false;

  override async get(name: string): Promise<string | undefined> {
    const value = await super.get(name);
    return this.isDamaged && value !== undefined ? value.slice(0, -1) : value;
  }

  override async readAfter(...asked: Parameters<MemoryStore['readAfter']>) {
    const entries = await super.readAfter(...asked);
    return this.isDamaged ? entries?.map(({ id, value }) => ({ id, value: value.slice(0, -1) })) : entries;
  }
}

const reasons = ({ log }: Served) => log.map(({ event, reason }) => `${event}: ${reason}`);

describe('an id that is signed by the right key over nonsense (issue 14, §4)', () => {
  for (const payload of [
    '',
    '{',
    'null',
    '7',
    '"text"',
    '{"a":1}',
    '[]',
    '[1]',
    '[1,"a",""]',
    '[1,1e999,""]',
  ]) {
    for (const unknownSession of ['reject', 'replace'] as const) {
      it(`${payload || 'nothing'}, with the policy ${unknownSession}: no error of ours, and the next session is served`, async () => {
        await using server = await served({ unknownSession });
        const answer = await server.post(ping, { 'mcp-session-id': signed(payload) });
        const isRead = payload.startsWith('[');
        if (isRead && unknownSession === 'replace') assert.equal(answer.status, 200);
        else assert.deepEqual(await refusal(answer), [404, -32001, 7]);
        if (!isRead) assert.ok(reasons(server).includes('requestRefused: the id is unreadable'));
        assert.deepEqual(
          server.log.filter(({ event }) => event === 'requestFailed'),
          [],
        );
        assert.equal((await server.post(initialize)).status, 200);
      });
    }
  }
});

describe('a record of the store that is no JSON (issue 14, §4)', () => {
  it('of a session that comes back: it is served without what the record held, and a record says so', async () => {
    const store = new Damaged();
    const states: unknown[] = [];
    const options = {
      store,
      factory: (session: { readonly state: unknown; setState(value: unknown): Promise<void> }) => {
        states.push(session.state);
        void session.setState({ count: 1 });
        return new McpServer({ name: 'damaged', version: '1.0.0' });
      },
    };
    const first = await served(options);
    const id = await open(first);
    await first[Symbol.asyncDispose]();
    store.isDamaged = true;
    await using second = await served(options);
    assert.equal((await second.post(ping, { 'mcp-session-id': id })).status, 200);
    assert.deepEqual(states, [undefined, undefined]);
    assert.ok(
      reasons(second).includes(
        'degraded: read state: what the store holds is no JSON; it is taken for not there',
      ),
    );
  });

  it('of a stream that is taken up: the session goes on, and a record says so', async () => {
    const store = new Damaged();
    await using server = await served({ store, resumableStreams: true });
    const headers = { 'mcp-session-id': await open(server), 'mcp-protocol-version': '2025-11-25' };
    const call = { ...ping, method: 'tools/call', params: { name: 'add', arguments: { amount: 1 } } };
    const [, first = ''] = /^id: (.+)$/m.exec(await (await server.post(call, headers)).text()) ?? [];
    assert.notEqual(first, '');
    store.isDamaged = true;
    const resuming = { ...headers, accept: 'text/event-stream', 'last-event-id': first };
    const rest = await fetch(server.url, { headers: resuming });
    assert.equal(rest.status, 200);
    await rest.body?.cancel();
    assert.equal(server.manager.sessions, 1);
    assert.deepEqual(
      server.log.filter(({ event }) => event === 'requestFailed'),
      [],
    );
    assert.ok(reasons(server).some((each) => each.startsWith('degraded: read events: ')));
    store.isDamaged = false;
    assert.match(await (await server.post({ ...call, id: 8 }, headers)).text(), /"text":"2"/);
  });
});
