import assert from 'node:assert/strict';
import { Catalog } from '../../src/client/memory/catalog.ts';
import { Handshake } from '../../src/client/memory/handshake.ts';
import { ServerRequests } from '../../src/client/requests/server-requests.ts';
import { MAX_LIST_PAGES } from '../../src/protocol/list-pages.ts';
import type { Request, Response } from '../../src/protocol/message.ts';

const request = (method: string, params: Record<string, unknown> = {}): Request => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params,
});
const answer = (result: Record<string, unknown> = {}): Response => ({ jsonrpc: '2.0', id: 1, result });

describe('the catalog', () => {
  it('keeps as many pages of a list as are fetched to be compared with them', () => {
    const catalog = new Catalog();
    catalog.observe(request('tools/list'), answer({ tools: [{ name: 'first' }], nextCursor: '1' }), 1);
    for (let page = 1; page <= MAX_LIST_PAGES; page++) {
      const tools = [{ name: `tool ${page}` }];
      catalog.observe(request('tools/list', { cursor: `${page}` }), answer({ tools }), 1);
    }
    assert.equal(catalog.pages('tools/list')?.length, MAX_LIST_PAGES);
  });

  it('knows the hints of the tools listed last, over pages, and of no others', () => {
    const catalog = new Catalog();
    const first = { tools: [{ name: 'a', annotations: { readOnlyHint: true } }], nextCursor: '2' };
    catalog.observe(request('tools/list'), answer(first), 1);
    catalog.observe(request('tools/list', { cursor: '2' }), answer({ tools: [{ name: 'b' }] }), 1);
    assert.deepEqual(
      [catalog.hints('a'), catalog.hints('b'), catalog.hints('c')],
      [{ readOnlyHint: true }, {}, undefined],
    );
    catalog.observe(request('tools/list'), answer({ tools: [{ name: 'b' }] }), 1);
    assert.equal(catalog.hints('a'), undefined);
  });

  it('knows to which generation a cursor belongs, of the last thousand', () => {
    const catalog = new Catalog();
    const page = (n: number) =>
      catalog.observe(request('tools/list'), answer({ tools: [], nextCursor: `c${n}` }), 1);
    for (let n = 0; n <= 1000; n++) page(n);
    const isStale = (cursor: string, generation: number) =>
      catalog.isStale(request('tools/list', { cursor }), generation);
    assert.deepEqual([isStale('c1000', 1), isStale('c1000', 2), isStale('c1', 2)], [false, true, true]);
    // Forgotten: it counts as current, and the server has the last word.
    assert.equal(isStale('c0', 2), false);
  });

  it('is not put off by a list that is none', () => {
    const catalog = new Catalog();
    catalog.observe(request('tools/list'), answer({ tools: 'none' }), 1);
    catalog.observe(request('tools/list'), answer({ tools: [null, 5, { name: 7 }] }), 1);
    assert.equal(catalog.hints('7'), undefined);
  });
});

describe('requests of the server', () => {
  const ask = (id: number, progressToken?: number): Request => ({
    jsonrpc: '2.0',
    id,
    method: 'sampling/createMessage',
    params: { _meta: { progressToken } },
  });

  it('are cancelled at the client when their session is gone, those of a newer one not', () => {
    const requests = new ServerRequests();
    requests.enter(ask(1, 11), 1);
    const { id } = requests.enter(ask(2, 12), 2);
    const cancelled = requests.cancel(1);
    assert.deepEqual(
      cancelled.map(({ method, params }) => [method, params?.requestId]),
      [['notifications/cancelled', 1]],
    );
    assert.deepEqual([requests.settle(1)?.generation, requests.settle(id)?.generation], [undefined, 2]);
    assert.deepEqual([requests.generationOfProgress(11), requests.generationOfProgress(12)], [undefined, 2]);
  });

  it('have an id of their own in each session, for the client; an answer and a withdrawal find the right one', () => {
    const requests = new ServerRequests();
    const [first, second] = [requests.enter(ask(0), 1), requests.enter(ask(0), 2)];
    assert.equal(first.id, 0);
    assert.notEqual(second.id, 0);
    assert.deepEqual(requests.settle(first.id), { id: 0, generation: 1 });
    const params = { requestId: 0, reason: 'late' };
    const withdrawn = requests.withdraw({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, 2);
    assert.deepEqual(withdrawn.params, { requestId: second.id, reason: 'late' });
    assert.equal(requests.settle(second.id), undefined);
  });

  it('are forgotten when they are settled, from either side', () => {
    const requests = new ServerRequests();
    requests.enter(ask(1), 1);
    requests.enter(ask(2), 1);
    requests.settle(1);
    requests.withdraw({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } }, 1);
    assert.deepEqual(requests.cancel(1), []);
  });

  it('are remembered up to a thousand, the oldest forgotten first', () => {
    const requests = new ServerRequests();
    for (let id = 0; id <= 1000; id++) requests.enter(ask(id), 1);
    assert.deepEqual([requests.settle(0)?.generation, requests.settle(1)?.generation], [undefined, 1]);
  });
});

describe('the handshake', () => {
  it('is replayed with the client’s own parameters, under another id', () => {
    const handshake = new Handshake();
    handshake.remember(request('initialize', { protocolVersion: '2025-06-18', capabilities: { roots: {} } }));
    assert.deepEqual(handshake.replay('x'), {
      jsonrpc: '2.0',
      id: 'x',
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: { roots: {} } },
    });
  });

  it('tells what a server says of itself that it did not say before', () => {
    const handshake = new Handshake();
    const serverInfo = { name: 's', version: '1' };
    const said = (result: Record<string, unknown>) => handshake.learn({ jsonrpc: '2.0', id: 1, result });
    assert.deepEqual(said({ serverInfo, protocolVersion: '2025-06-18', capabilities: {} }), []);
    assert.deepEqual(said({ serverInfo, protocolVersion: '2025-06-18', capabilities: {} }), []);
    const changed = {
      serverInfo: { name: 's', version: '2' },
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
    };
    assert.deepEqual(said({ ...changed, instructions: 'new' }), ['version', 'capabilities', 'instructions']);
  });
});
