import assert from 'node:assert/strict';
import { type CancelTimer, type Clock, systemClock } from '../../src/base/environment.ts';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import type { ServerConfig } from '../../src/config/server-config.ts';
import type { HubFact } from '../../src/hub/facts.ts';
import { transportOpener } from '../../src/hub/open/open-transport.ts';
import { FIRST_SESSION_PATIENCE_MS, HANDSHAKE_RETRY_MS } from '../../src/hub/own-client.ts';
import type { HubSnapshot } from '../../src/hub/snapshot.ts';
import { MAX_LIST_PAGES } from '../../src/protocol/list-pages.ts';
import { type HttpReply, jsonReply, rpcError } from '../support/scripted/reply.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { ScriptedServer, type ScriptedServerOptions } from '../support/scripted-server.ts';
import type { Fleet, FleetOptions } from './fleets.ts';
import { config, factOf, hasTools, isReady, reaches, reachesServer, realFleet } from './fleets.ts';

describe('a fleet', () => {
  const opened: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });

  async function aServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
    const server = await ScriptedServer.start(options);
    opened.push(server);
    return server;
  }

  function aFleet(options: Partial<FleetOptions> = {}): Fleet {
    const fleet = realFleet(options);
    opened.push(fleet);
    return fleet;
  }

  /** One server, connected, with its tools counted. */
  async function connected(options: ScriptedServerOptions = {}) {
    const server = await aServer(options);
    const fleet = aFleet();
    fleet.apply([config('a', server.url)]);
    await reachesServer(fleet, 'a', (each) => isReady(each) && hasTools(each));
    return { server, fleet };
  }

  describe('that gets a configuration', () => {
    it('shows every server at once, in that order, and connects them afterwards', async () => {
      const [one, two] = [await aServer(), await aServer()];
      const fleet = aFleet();
      fleet.apply([config('z', one.url), config('a', two.url)]);
      const names = ({ servers }: HubSnapshot) =>
        servers.map((each) => `${each.name} ${each.connection.status}`);
      assert.deepEqual(names(fleet.snapshot()), ['z idle', 'a idle']);
      assert.equal(one.requests.length, 0);
      const later = await reaches(fleet, ({ servers }) => servers.every(isReady));
      assert.deepEqual(names(later), ['z ready', 'a ready']);
    });

    it('sends the configured headers with every request', async () => {
      const server = await aServer();
      const fleet = aFleet();
      fleet.apply([config('a', server.url, { Authorization: 'Bearer t' })]);
      await reachesServer(fleet, 'a', hasTools);
      assert.ok(server.requests.every((request) => request.headers.authorization === 'Bearer t'));
    });

    it('shows an address without its query, which may hold a key', async () => {
      const fleet = aFleet();
      fleet.apply([config('a', 'http://127.0.0.1:9/mcp?key=secret#x')]);
      assert.equal(fleet.snapshot().servers[0]?.target, 'http://127.0.0.1:9/mcp');
    });

    it('keeps the session of a server whose entry is the same', async () => {
      const { server, fleet } = await connected();
      const other = await aServer();
      fleet.apply([config('b', other.url), config('a', server.url)]);
      await reachesServer(fleet, 'b', isReady);
      assert.equal(server.count({ rpc: 'initialize' }), 1);
      assert.equal(server.count({ method: 'DELETE' }), 0);
      assert.deepEqual(
        fleet.snapshot().servers.map((each) => each.name),
        ['b', 'a'],
      );
    });

    it('connects a server anew when its headers changed, after its old session has ended', async () => {
      const { server, fleet } = await connected();
      fleet.apply([config('a', server.url, { 'X-Team': 'two' })]);
      await reachesServer(fleet, 'a', isReady);
      const order = server.requests.map((request) => (request.method === 'DELETE' ? 'DELETE' : request.rpc));
      assert.ok(order.indexOf('DELETE') < order.lastIndexOf('initialize'), order.join());
      assert.equal(server.sessions.length, 1);
    });

    it('connects a server anew when its address changed', async () => {
      const { server, fleet } = await connected();
      const moved = await aServer();
      fleet.apply([config('a', moved.url)]);
      await reachesServer(fleet, 'a', isReady);
      assert.equal(moved.sessions.length, 1);
      await server.ended({ method: 'DELETE' });
    });

    it('waits for the end of the first session even when the entry changes twice at once', async () => {
      const server = await aServer();
      const fleet = aFleet({ openTransport: patient });
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', isReady);
      const other = await aServer();
      const hold = server.hold({ method: 'DELETE' }, 'before-run');
      fleet.apply([config('a', server.url, { 'X-Team': 'two' })]);
      fleet.apply([config('a', server.url, { 'X-Team': 'three' }), config('b', other.url)]);
      await server.received({ method: 'DELETE' });
      await reachesServer(fleet, 'b', hasTools);
      assert.equal(server.count({ rpc: 'initialize' }), 1);
      hold.release();
      await reachesServer(fleet, 'a', isReady);
      const later = server.requests.filter((request) => request.rpc === 'initialize').slice(1);
      assert.deepEqual(
        later.map((request) => request.headers['x-team']),
        ['three'],
      );
    });

    it('ends the session of a server that is gone from it', async () => {
      const { server, fleet } = await connected();
      fleet.apply([]);
      assert.deepEqual(fleet.snapshot().servers, []);
      await server.ended({ method: 'DELETE' });
      assert.equal(server.sessions.length, 0);
    });
  });

  describe('that is watched', () => {
    it('tells of a burst of changes once', async () => {
      const clock = new HeldClock(0);
      const fleet = aFleet({ clock });
      const told: HubSnapshot[] = [];
      fleet.onDidChange((snapshot) => told.push(snapshot));
      for (const name of ['a', 'b', 'c']) fleet.apply([config(name, 'http://127.0.0.1:9/')]);
      assert.equal(clock.held, 1);
      await clock.fire();
      assert.deepEqual(
        told.map(({ servers }) => servers.map((each) => each.name)),
        [['c']],
      );
      fleet.apply([]);
      assert.equal(clock.held, 1);
    });

    it('tells which servers there are, whether a listener comes before or after', () => {
      const fleet = aFleet();
      const told: string[] = [];
      fleet.onDidApply((names) => told.push(`before: ${names.join()}`));
      fleet.apply([config('a', 'http://127.0.0.1:9/'), config('b', 'http://127.0.0.1:9/')]);
      fleet.onDidApply((names) => told.push(`after: ${names.join()}`));
      assert.deepEqual(told, ['before: a,b', 'after: a,b']);
    });

    it('is not broken by a listener that throws', async () => {
      const server = await aServer();
      const fleet = aFleet();
      const broken = () => {
        throw new Error('a broken display');
      };
      fleet.onDidChange(broken);
      fleet.onFact(broken);
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', hasTools);
    });

    it('tells the facts of every connection with its server, and no whole session id', async () => {
      const server = await aServer();
      const fleet = aFleet();
      const facts: HubFact[] = [];
      fleet.onFact((fact) => facts.push(fact));
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', hasTools);
      assert.ok(facts.some(({ server: name, fact }) => name === 'a' && fact.kind === 'sessionOpened'));
      const id = server.sessions[0]?.id ?? '';
      assert.ok(id.length > 8);
      assert.ok(!JSON.stringify([facts, fleet.snapshot()]).includes(id));
    });

    it('hears no more once it has disposed', async () => {
      const server = await aServer();
      const fleet = aFleet();
      fleet.onDidChange(() => assert.fail('heard')).dispose();
      fleet.onFact(() => assert.fail('heard')).dispose();
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', hasTools);
    });
  });

  describe('whose server loses its session', () => {
    it('answers the call on a new session', async () => {
      const { server, fleet } = await connected();
      server.forgetSessions('400-json');
      const answer = await fleet.callTool('a', 'count', { key: 'k' });
      assert.deepEqual(answer.content, [{ type: 'text', text: 'ran k' }]);
      assert.equal(server.runs('k'), 1);
      const { connection } = fleet.snapshot().servers[0] ?? assert.fail();
      assert.deepEqual([connection.generation, connection.recoveries], [2, 1]);
    });
  });

  describe('that counts tools', () => {
    it('follows the pages of the list', async () => {
      const { fleet } = await connected({ face: { pageSize: 2 } });
      assert.equal(fleet.snapshot().servers[0]?.tools, 3);
    });

    it('counts anew when the server says that the list changed', async () => {
      const { server, fleet } = await connected();
      await server.received({ method: 'GET' });
      await server.answered({ method: 'GET' });
      server.face.tools = [{ name: 'only' }];
      server.notify('notifications/tools/list_changed');
      await reachesServer(fleet, 'a', (each) => each.tools === 1);
    });

    it('counts once more when the list changes during a count', async () => {
      const server = await aServer();
      const hold = server.hold({ rpc: 'tools/list' });
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      await server.answered({ method: 'GET' });
      await server.received({ rpc: 'tools/list' });
      server.face.tools = [{ name: 'only' }];
      server.notify('notifications/tools/list_changed');
      const other = await aServer();
      fleet.apply([config('a', server.url), config('b', other.url)]);
      await reachesServer(fleet, 'b', hasTools);
      hold.release();
      await reachesServer(fleet, 'a', (each) => each.tools === 1);
    });

    it('says nothing of a count that its own end has cut short', async () => {
      const [server, other] = [await aServer(), await aServer()];
      server.hold({ rpc: 'tools/list' });
      const fleet = aFleet();
      const facts: HubFact[] = [];
      fleet.onFact((fact) => facts.push(fact));
      fleet.apply([config('a', server.url)]);
      await server.received({ rpc: 'tools/list' });
      const closed = factOf(fleet, 'connectionClosed', 'a');
      fleet.apply([config('b', other.url)]);
      await closed;
      await reachesServer(fleet, 'b', hasTools);
      assert.deepEqual(
        facts.filter(({ fact }) => fact.kind === 'toolsNotListed'),
        [],
      );
    });

    it('counts anew when a new session has other tools', async () => {
      const { server, fleet } = await connected();
      server.face.tools = [{ name: 'only' }, { name: 'another' }];
      server.forgetSessions('404-json');
      await fleet.reset('a');
      await reachesServer(fleet, 'a', (each) => each.tools === 2);
    });

    it('counts resources and prompts too, of a kind that is not offered without asking', async () => {
      const server = await aServer();
      server.face.capabilities = { tools: {}, resources: { listChanged: true } };
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', (each) => each.resources === 2 && each.prompts === 0);
      assert.deepEqual(
        server.requests.filter(({ rpc }) => rpc === 'prompts/list'),
        [],
      );
      server.face.resources = ['test://one'];
      server.forgetSessions('404-json');
      await fleet.reset('a');
      await reachesServer(fleet, 'a', (each) => each.resources === 1);
    });

    it('has 0 for a server that knows no tools', async () => {
      const server = await aServer();
      server.answerAlways({ rpc: 'tools/list' }, rpcError(-32601, 'Method not found'));
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      assert.equal((await reachesServer(fleet, 'a', hasTools)).tools, 0);
    });

    it('counts malformed tools too', async () => {
      const server = await aServer();
      server.answerAlways({ rpc: 'tools/list' }, page({ tools: [{ name: 'ok' }, { nonsense: 1 }, null] }));
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      assert.equal((await reachesServer(fleet, 'a', hasTools)).tools, 3);
    });

    it('stops at a cursor that repeats and at a bound of pages', async () => {
      const server = await aServer();
      const rule = server.answerAlways({ rpc: 'tools/list' }, page({ tools: [{}], nextCursor: 'same' }));
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      assert.equal((await reachesServer(fleet, 'a', hasTools)).tools, 2);
      rule.dispose();
      let pages = 0;
      server.answerAlways({ rpc: 'tools/list' }, (request) =>
        page({ tools: [{}], nextCursor: `${++pages}` })(request),
      );
      fleet.apply([config('b', server.url)]);
      assert.equal((await reachesServer(fleet, 'b', hasTools)).tools, MAX_LIST_PAGES);
    });

    it('tells why it could not count, and counts on the next session', async () => {
      const server = await aServer();
      const rule = server.answerAlways({ rpc: 'tools/list' }, rpcError(-32603, 'no database'));
      const fleet = aFleet();
      const told = factOf(fleet, 'toolsNotListed');
      fleet.apply([config('a', server.url)]);
      const { fact } = await told;
      assert.match('reason' in fact ? fact.reason : '', /no database/);
      rule.dispose();
      await fleet.reset('a');
      assert.equal((await reachesServer(fleet, 'a', hasTools)).tools, 3);
    });
  });

  describe('that is asked to reset', () => {
    it('gives one server a new session and tells its generation', async () => {
      const { server, fleet } = await connected();
      const [outcome, ...others] = await fleet.reset('a');
      assert.deepEqual(others, []);
      assert.ok(outcome?.ok);
      assert.equal(outcome.connection?.generation, 2);
      assert.equal(server.count({ rpc: 'initialize' }), 2);
    });

    it('gives every server a new session when none is named', async () => {
      const [one, two] = [await aServer(), await aServer()];
      const fleet = aFleet();
      fleet.apply([config('a', one.url), config('b', two.url)]);
      await reaches(fleet, ({ servers }) => servers.every(hasTools));
      const outcomes = await fleet.reset();
      assert.deepEqual(
        outcomes.map((outcome) => [outcome.server, outcome.ok && outcome.connection?.generation]),
        [
          ['a', 2],
          ['b', 2],
        ],
      );
    });

    it('takes a first session that is just being opened for the new one', async () => {
      const server = await aServer();
      const fleet = aFleet();
      const hold = server.hold({ rpc: 'notifications/initialized' });
      fleet.apply([config('a', server.url)]);
      await server.received({ rpc: 'notifications/initialized' });
      const outcomes = fleet.reset();
      hold.release();
      assert.deepEqual(
        (await outcomes).map((outcome) => outcome.ok && outcome.connection?.generation),
        [1],
      );
    });

    it('has no outcomes when it is empty', async () => {
      assert.deepEqual(await aFleet().reset(), []);
    });

    it('names the servers it knows when it does not know the one', async () => {
      const { fleet } = await connected();
      await assert.rejects(fleet.reset('b'), {
        code: 'INVALID_CONFIGURATION',
        message: 'There is no server "b". Known are "a".',
      });
      fleet.apply([]);
      await assert.rejects(fleet.reset('b'), { message: 'There is no server "b". None is configured.' });
    });

    it('gives a failure as an outcome with its reason, and succeeds once the server is back', async () => {
      const server = await aServer();
      const fleet = aFleet({ openTransport: impatient });
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', hasTools);
      await server.refuseConnections();
      const [failure] = await fleet.reset('a');
      assert.ok(failure && !failure.ok);
      assert.match(failure.reason, /ECONNREFUSED/);
      assert.deepEqual(JSON.parse(JSON.stringify(failure)), failure);
      await server.acceptConnections();
      const [success] = await fleet.reset('a');
      assert.ok(success?.ok);
      assert.ok((success.connection?.generation ?? 0) > 1);
    });

    it('connects a server that could not be reached so far', async () => {
      const server = await aServer();
      await server.refuseConnections();
      const fleet = aFleet({ openTransport: impatient });
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', ({ connection }) => connection.status === 'down');
      await server.acceptConnections();
      const [outcome] = await fleet.reset('a');
      assert.ok(outcome?.ok);
      assert.equal(outcome.connection?.generation, 1);
    });
  });

  describe('that is asked to call a tool', () => {
    it('waits for the first session', async () => {
      const server = await aServer();
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      const answer = await fleet.callTool('a', 'count', { key: 'k' });
      assert.deepEqual(answer.content, [{ type: 'text', text: 'ran k' }]);
      assert.deepEqual(server.violations, []);
    });

    it("gives the server's own error as it came", async () => {
      const { fleet } = await connected();
      await assert.rejects(fleet.callTool('a', 'no such tool'), {
        code: -32602,
        message: /Tool no such tool not found/,
      });
    });

    it('refuses a server that it does not know', async () => {
      await assert.rejects(aFleet().callTool('b', 'count'), { code: 'INVALID_CONFIGURATION' });
    });

    it('ends when its caller gives up, before the first session and after', async () => {
      const server = await aServer();
      await server.refuseConnections();
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      const reason = new Error('given up');
      await assert.rejects(fleet.callTool('a', 'count', {}, { signal: AbortSignal.abort(reason) }), reason);
      const early = new AbortController();
      const waiting = fleet.callTool('a', 'count', {}, { signal: early.signal });
      early.abort(reason);
      await assert.rejects(waiting, reason);
      await server.acceptConnections();
      await fleet.reset();
      const hold = server.hold({ tool: 'count' });
      const late = new AbortController();
      const called = fleet.callTool('a', 'count', { key: 'k' }, { signal: late.signal });
      await server.received({ tool: 'count' });
      late.abort(reason);
      await assert.rejects(called, /given up/);
      hold.release();
    });

    it('ends when its time is over', async () => {
      const { server, fleet } = await connected();
      server.answerNext({ tool: 'count' }, 'hang');
      await assert.rejects(fleet.callTool('a', 'count', {}, { timeoutMs: 50 }), { code: -32001 });
    });

    it('says why there is no first session when patience ends', async () => {
      const server = await aServer();
      await server.refuseConnections();
      const clock = new HeldClock(FIRST_SESSION_PATIENCE_MS);
      const fleet = aFleet({ clock });
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', ({ connection }) => connection.nextAttemptAt !== undefined);
      const call = fleet.callTool('a', 'count');
      await clock.fire();
      await assert.rejects(call, {
        code: 'SERVER_UNAVAILABLE',
        message: /No session with "a" yet: .*ECONNREFUSED/,
      });
    });
  });

  describe('whose server speaks no revision that the client knows', () => {
    const stranger = { face: { protocolVersions: ['1999-01-01'] } };

    it('shows it as down, with the reason and the time of the next attempt', async () => {
      const server = await aServer(stranger);
      const fleet = aFleet();
      const told = factOf(fleet, 'handshakeRefused');
      fleet.apply([config('a', server.url)]);
      const { connection } = await reachesServer(fleet, 'a', (each) => each.connection.status === 'down');
      assert.match(connection.trouble ?? '', /1999-01-01/);
      // Two readings of the clock, so a tick may lie between them.
      assert.ok(Math.abs((connection.nextAttemptAt ?? 0) - (await told).at - HANDSHAKE_RETRY_MS) < 1000);
      await assert.rejects(fleet.callTool('a', 'count'), /1999-01-01/);
    });

    it('tries again after a while, and connects to a new build', async () => {
      const server = await aServer(stranger);
      const clock = new HeldClock(HANDSHAKE_RETRY_MS);
      const fleet = aFleet({ clock });
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', (each) => each.connection.status === 'down');
      server.face.protocolVersions = ['2025-11-25'];
      await clock.fire();
      await reachesServer(fleet, 'a', isReady);
    });

    it('tries again at once when asked to reset', async () => {
      const server = await aServer(stranger);
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', (each) => each.connection.status === 'down');
      assert.equal((await fleet.reset('a'))[0]?.ok, false);
      server.face.protocolVersions = ['2025-11-25'];
      assert.equal((await fleet.reset('a'))[0]?.ok, true);
    });
  });

  describe('that is closed', () => {
    it('ends every session at its server', async () => {
      const { server, fleet } = await connected();
      await fleet.close();
      assert.equal(server.sessions.length, 0);
      assert.deepEqual(fleet.snapshot().servers, []);
    });

    it('does not wait for a server that does not answer', async () => {
      const { server, fleet } = await connected();
      const clock = new HeldClock(2000);
      const other = aFleet({ clock });
      other.apply([config('a', server.url)]);
      await reachesServer(other, 'a', hasTools);
      server.freeze();
      const closing = other.close();
      await clock.fire();
      await closing;
      server.thaw();
      await fleet.close();
    });

    it('rejects the calls that wait for a first session', async () => {
      const server = await aServer();
      await server.refuseConnections();
      const fleet = aFleet();
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', ({ connection }) => connection.attempt > 0);
      const rejected = assert.rejects(fleet.callTool('a', 'count'), { code: 'CONNECTION_CLOSED' });
      await fleet.close();
      await rejected;
    });

    it('stays closed', async () => {
      const { server, fleet } = await connected();
      await fleet.close();
      fleet.apply([config('a', server.url)]);
      assert.deepEqual(fleet.snapshot().servers, []);
      await fleet.close();
    });
  });
});

const open = transportOpener({});

const impatient = (given: ServerConfig): HealingTransport => open(given, { patienceMs: 1000 });

/** Waits long for the end of its session. */
const patient = (given: ServerConfig): HealingTransport => open(given, { closeTimeoutMs: 60_000 });

/** An answer to `tools/list` of the test's own. */
function page(result: object): (request: RequestRecord) => HttpReply {
  return (request) => jsonReply(200, { jsonrpc: '2.0', id: request.id, result });
}

/** The platform's clock, but timers of one length run only when the test says so. */
class HeldClock implements Clock {
  readonly #heldMs: number;
  readonly #held: (() => void)[] = [];
  #onHeld: (() => void) | undefined;

  constructor(heldMs: number) {
    this.#heldMs = heldMs;
  }

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(ms: number, callback: () => void, options?: { readonly background?: boolean }): CancelTimer {
    if (ms !== this.#heldMs) return systemClock.after(ms, callback, options);
    this.#held.push(callback);
    this.#onHeld?.();
    return () => this.#held.splice(this.#held.indexOf(callback), 1);
  }

  get held(): number {
    return this.#held.length;
  }

  /** Runs the next timer, once there is one. */
  async fire(): Promise<void> {
    if (this.#held.length === 0) await new Promise<void>((resolve) => (this.#onHeld = resolve));
    this.#held.shift()?.();
  }
}
