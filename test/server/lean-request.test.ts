import assert from 'node:assert/strict';
import { leanRequest, wholeRequest } from '../../src/endpoint/lean-request.ts';

const rawHeaders = ['Accept', 'a/b', 'X-Twice', '1', 'Cookie', 'a=b', 'x-twice', '2', 'cookie', 'c=d'];

function lean(leave = new AbortController()) {
  let signals = 0;
  const makeSignal = () => {
    signals += 1;
    return leave.signal;
  };
  const request = leanRequest({ method: 'POST', url: 'http://localhost/mcp', rawHeaders, makeSignal });
  return { request, signals: () => signals };
}

describe('a lean request', () => {
  it('says the same of itself as the real one', () => {
    const { request } = lean();
    const real = new Request('http://localhost/mcp', { method: 'POST' });
    for (let at = 0; at < rawHeaders.length; at += 2) {
      real.headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
    }
    assert.equal(request.method, real.method);
    assert.equal(request.url, real.url);
    for (const name of ['accept', 'ACCEPT', 'x-twice', 'cookie', 'missing']) {
      assert.equal(request.headers.get(name), real.headers.get(name));
      assert.equal(request.headers.has(name), real.headers.has(name));
    }
    const sorted = (entries: Iterable<[string, string]>) => [...entries].sort();
    assert.deepEqual(sorted(request.headers), sorted(real.headers));
    assert.deepEqual(sorted(request.headers.entries()), sorted(real.headers));
    assert.deepEqual([...request.headers.keys()].sort(), [...real.headers.keys()]);
    assert.deepEqual([...request.headers.values()].sort(), [...real.headers.values()].sort());
    const each: [string, string][] = [];
    request.headers.forEach((value, name) => {
      each.push([name, value]);
    });
    assert.deepEqual(sorted(each), sorted(real.headers));
  });

  it('passes for a Request where one looks at its class', () => {
    const { request } = lean();
    assert.ok(request instanceof Request);
    assert.ok(request.headers instanceof Headers);
  });

  it('has the real one answer whatever else it is asked', async () => {
    const { request } = lean();
    assert.equal(request.body, null);
    assert.equal(request.redirect, 'follow');
    assert.equal(await request.text(), '');
    assert.equal(request.clone().headers.get('accept'), 'a/b');
  });

  it('makes the signal for who asks for it, and once', () => {
    const leave = new AbortController();
    const { request, signals } = lean(leave);
    request.headers.get('accept');
    assert.equal(signals(), 0);
    assert.equal(request.signal.aborted, false);
    leave.abort();
    assert.equal(request.signal.aborted, true);
    assert.equal(signals(), 1);
  });

  it('is refused where it would be copied without being asked', () => {
    assert.throws(() => new Request(lean().request), TypeError);
    assert.throws(() => lean().request.headers.set('a', 'b'), TypeError);
  });

  it('becomes a real one, the same at each call', () => {
    const { request } = lean();
    const whole = wholeRequest(request);
    assert.equal(wholeRequest(request), whole);
    const copy = new Request(whole);
    assert.equal(copy.method, 'POST');
    assert.equal(copy.headers.get('x-twice'), '1, 2');
  });

  it('leaves a request alone that is a real one', () => {
    const real = new Request('http://localhost/');
    assert.equal(wholeRequest(real), real);
  });
});
