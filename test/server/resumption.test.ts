import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { MemoryStore } from '../../src/server/index.ts';
import { settle } from '../support/held-clock.ts';
import { initialize, open, ping, type Served, served } from './served.ts';

const version = { 'mcp-protocol-version': '2025-11-25' };
const call = (id: number, name: string) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {}, _meta: { progressToken: id } },
});

/** A server whose tool reports progress and then waits to be let go. */
function working() {
  const go = Promise.withResolvers<string>();
  const made: McpServer[] = [];
  const factory = () => {
    const server = new McpServer({ name: 'working', version: '1.0.0' }, { capabilities: { logging: {} } });
    made.push(server);
    server.registerTool('work', {}, async ({ sendNotification, _meta }) => {
      const params = { progressToken: _meta?.progressToken ?? 0, progress: 1 };
      await sendNotification({ method: 'notifications/progress', params });
      return { content: [{ type: 'text', text: await go.promise }] };
    });
    return server;
  };
  const log = async (data: string) => {
    for (const server of made) await server.server.sendLoggingMessage({ level: 'error', data });
  };
  return { factory, finish: go.resolve, log };
}

interface Event {
  readonly id: string;
  readonly data: string;
}

/** An event stream, read event by event. */
class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';

  constructor(response: Response) {
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /event-stream/);
    this.#reader = response.body?.getReader() ?? assert.fail('no body');
  }

  /** Undefined at the end of the stream. */
  async next(): Promise<Event | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const event = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(event)?.[1] ?? '';
        return { id: field('id'), data: field('data') };
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += new TextDecoder().decode(value);
    }
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

async function begin(server: Served): Promise<Record<string, string>> {
  return { ...version, 'mcp-session-id': await open(server) };
}

function listen(server: Served, headers: Record<string, string>, after?: string): Promise<Response> {
  const resuming = after === undefined ? {} : { 'last-event-id': after };
  return fetch(server.url, { headers: { ...headers, ...resuming, accept: 'text/event-stream' } });
}

describe('resumable streams', () => {
  const options = () => ({ resumableStreams: true, store: new MemoryStore() });

  it('give a client that lost the stream of its request the rest of the answer, and then end', async () => {
    const { factory, finish } = working();
    await using server = await served({ ...options(), factory });
    const headers = await begin(server);
    const broken = new Events(await server.post(call(1, 'work'), headers));
    const first = (await broken.next()) ?? assert.fail();
    assert.deepEqual([first.data, first.id !== ''], ['', true]);
    await broken.leave();
    const rest = new Events(await listen(server, headers, first.id));
    const progress = (await rest.next()) ?? assert.fail();
    assert.match(progress.data, /notifications\/progress/);
    await rest.leave();
    const again = new Events(await listen(server, headers, progress.id));
    finish('done');
    assert.match((await again.next())?.data ?? '', /"id":1.*|.*done/);
    assert.equal(await again.next(), undefined);
  });

  it('give what was sent while nobody listened, and what comes, each once', async () => {
    const { factory, log } = working();
    await using server = await served({ ...options(), factory });
    const headers = await begin(server);
    const before = new Events(await listen(server, headers));
    await log('one');
    const one = (await before.next()) ?? assert.fail();
    assert.match(one.data, /one/);
    await before.leave();
    await log('two');
    await log('three');
    // The server may not know yet that the first stream is gone.
    const after = new Events(await listen(server, headers, one.id));
    await log('four');
    const heard = [];
    for (let count = 0; count < 3; count += 1)
      heard.push(JSON.parse((await after.next())?.data ?? '').params.data);
    assert.deepEqual(heard, ['two', 'three', 'four']);
    await after.leave();
  });

  it('give what is sent while they are resumed once, too', async () => {
    const store = new MemoryStore();
    const { factory, log } = working();
    await using server = await served({ resumableStreams: true, store, factory });
    const headers = await begin(server);
    const before = new Events(await listen(server, headers));
    await log('one');
    const one = (await before.next()) ?? assert.fail();
    await before.leave();
    const read = store.readAfter.bind(store);
    let reads = 0;
    store.readAfter = async (...asked) => {
      reads += 1;
      // The new stream is open by then, and what it has missed is being looked for.
      if (reads === 2) await log('two');
      return read(...asked);
    };
    const after = new Events(await listen(server, headers, one.id));
    await log('three');
    const heard = [];
    for (let count = 0; count < 2; count += 1)
      heard.push(JSON.parse((await after.next())?.data ?? '').params.data);
    assert.deepEqual(heard, ['two', 'three']);
    await after.leave();
  });

  it('reach over a restart, and answer what was under way then with an error that says so', async () => {
    const both = options();
    const { factory, log } = working();
    const first = await served({ ...both, factory });
    const headers = await begin(first);
    const stream = new Events(await listen(first, headers));
    await log('one');
    const one = (await stream.next()) ?? assert.fail();
    const answer = new Events(await first.post(call(5, 'work'), headers));
    const priming = (await answer.next()) ?? assert.fail();
    assert.match((await answer.next())?.data ?? '', /progress/);
    await log('two');
    await first[Symbol.asyncDispose]();

    await using second = await served({ ...both, factory: working().factory });
    const missed = new Events(await listen(second, headers, one.id));
    assert.match((await missed.next())?.data ?? '', /two/);
    await missed.leave();
    const rest = new Events(await listen(second, headers, priming.id));
    assert.match((await rest.next())?.data ?? '', /progress/);
    const { id, error } = JSON.parse((await rest.next())?.data ?? '');
    assert.equal(id, 5);
    assert.match(error.message, /may or may not have run/);
    assert.equal(await rest.next(), undefined);
  });

  it('give an answer that was complete again, and nothing after it', async () => {
    const { factory, finish } = working();
    finish('done');
    await using server = await served({ ...options(), factory });
    const headers = await begin(server);
    const answer = new Events(await server.post(call(1, 'work'), headers));
    const events = [];
    for (let event = await answer.next(); event; event = await answer.next()) events.push(event);
    const again = new Events(await listen(server, headers, events[0]?.id));
    for (const { data } of events.slice(1)) assert.equal((await again.next())?.data, data);
    assert.equal(await again.next(), undefined);
    const nothing = new Events(await listen(server, headers, events.at(-1)?.id));
    assert.equal(await nothing.next(), undefined);
  });

  it('give a new stream to a client whose last event is not known', async () => {
    const { factory, log } = working();
    await using server = await served({ ...options(), factory });
    const headers = await begin(server);
    for (const id of ['0', 'x~y', '999~_GET_stream', 'x~y~z~!', '~~~~']) {
      const stream = new Events(await listen(server, headers, id));
      await log(id);
      assert.ok((await stream.next())?.data.includes(JSON.stringify(id)));
      await stream.leave();
    }
  });

  it('are of the session that they belong to: the event of another is not known', async () => {
    const { factory, log } = working();
    await using server = await served({ ...options(), factory });
    const [mine, other] = [await begin(server), await begin(server)];
    const theirs = new Events(await listen(server, other));
    await log('secret');
    const { id } = (await theirs.next()) ?? assert.fail();
    await log('also secret');
    const stream = new Events(await listen(server, mine, id));
    await log('for all');
    assert.match((await stream.next())?.data ?? '', /for all/);
    await stream.leave();
    await theirs.leave();
  });

  it('do not keep a message over maxEventLength: its request is answered with an error', async () => {
    const { factory, finish } = working();
    await using server = await served({ ...options(), factory, maxEventLength: 500 });
    const headers = await begin(server);
    const broken = new Events(await server.post(call(1, 'work'), headers));
    const first = (await broken.next()) ?? assert.fail();
    await broken.leave();
    finish('x'.repeat(1000));
    const rest = new Events(await listen(server, headers, first.id));
    assert.match((await rest.next())?.data ?? '', /progress/);
    assert.match((await rest.next())?.data ?? '', /too large to be kept/);
    assert.equal(await rest.next(), undefined);
  });

  it('go on without ids while the store fails', async () => {
    const store = new MemoryStore();
    store.append = async () => assert.fail('the disk is full');
    const { factory, finish } = working();
    finish('done');
    await using server = await served({ resumableStreams: true, store, factory });
    const answer = await server.post(call(1, 'work'), await begin(server));
    assert.match(await answer.text(), /done/);
    assert.ok(
      server.log.some(({ event, reason }) => event === 'degraded' && reason.includes('disk is full')),
    );
  });

  it('do not keep a session from being idle once they are left', async () => {
    const { factory } = working();
    await using server = await served({ ...options(), factory, idleMs: 1000 });
    const headers = await begin(server);
    const broken = new Events(await server.post(call(1, 'work'), headers));
    const { id } = (await broken.next()) ?? assert.fail();
    await broken.leave();
    const rest = new Events(await listen(server, headers, id));
    await rest.next();
    await server.clock.advance(10_000);
    assert.equal(server.manager.sessions, 1);
    await rest.leave();
    while (server.clock.pending === 0) await settle();
    await server.clock.advance(1000);
    assert.equal(server.manager.sessions, 0);
    assert.equal((await server.post(ping, headers)).status, 404);
  });

  it('are off by default: no event has an id', async () => {
    await using server = await served();
    const answer = await server.post(ping, await begin(server));
    assert.doesNotMatch(await answer.text(), /^id:/m);
    assert.equal((await server.post(initialize)).status, 200);
  });
});
