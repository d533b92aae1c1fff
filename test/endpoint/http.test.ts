import assert from 'node:assert/strict';
import { HeaderMap, type HttpAnswer, type HttpRequest, withHeaders } from '../../src/endpoint/http.ts';
import { answerOf, httpRequest, platformRequest, responseOf } from '../../src/endpoint/web.ts';

const fields = [
  ['Accept', 'a/b'],
  ['X-Twice', '1'],
  ['Cookie', 'a=b'],
  ['x-twice', '2'],
  ['cookie', 'c=d'],
] as const;

function headerMap(): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}

function request(signals: AbortSignal[] = []): HttpRequest {
  return {
    method: 'POST',
    url: 'http://localhost/mcp',
    headers: headerMap(),
    get signal() {
      const { signal } = new AbortController();
      signals.push(signal);
      return signal;
    },
    body: async () => new TextEncoder().encode('words'),
  };
}

describe('the headers of a request', () => {
  it('say the same as those of the platform', () => {
    const headers = headerMap();
    const real = new Request('http://localhost/mcp', { method: 'POST' }).headers;
    for (const [name, value] of fields) real.append(name, value);
    for (const name of ['accept', 'ACCEPT', 'x-twice', 'cookie', 'missing']) {
      assert.equal(headers.get(name), real.get(name), name);
    }
    assert.deepEqual([...headers].sort(), [...real].sort());
  });

  it('are other ones in a copy, which leaves the request as it is', async () => {
    const first = request();
    const copy = withHeaders(first, { accept: 'c/d', 'x-new': '3', cookie: undefined });
    assert.deepEqual([...copy.headers].sort(), [
      ['accept', 'c/d'],
      ['x-new', '3'],
      ['x-twice', '1, 2'],
    ]);
    assert.equal(first.headers.get('accept'), 'a/b');
    assert.deepEqual([copy.method, copy.url], ['POST', 'http://localhost/mcp']);
    assert.equal(new TextDecoder().decode(await copy.body(100)), 'words');
  });
});

describe('a request for code of the platform', () => {
  it('is made of what is known of it', () => {
    const made = platformRequest(request());
    assert.ok(made instanceof Request);
    assert.deepEqual([made.method, made.url, made.body], ['POST', 'http://localhost/mcp', null]);
    assert.equal(made.headers.get('x-twice'), '1, 2');
    assert.equal(new Request(made).headers.get('accept'), 'a/b');
  });

  it('is the one that it came as', () => {
    const real = new Request('http://localhost/', { headers: { 'x-a': 'b' } });
    assert.equal(platformRequest(httpRequest(real)), real);
  });

  it('has a body of which no more than the limit is read', async () => {
    const real = () => httpRequest(new Request('http://localhost/', { method: 'POST', body: 'words' }));
    assert.equal(new TextDecoder().decode(await real().body(5)), 'words');
    assert.equal(await real().body(4), undefined);
    assert.deepEqual(await httpRequest(new Request('http://localhost/')).body(1), new Uint8Array());
  });
});

describe('an answer', () => {
  const sent = (answer: Partial<HttpAnswer>) => {
    let times = 0;
    const onSent = () => {
      times += 1;
    };
    const response = responseOf({ status: 200, headers: {}, onSent, ...answer });
    return { response, times: () => times };
  };
  const streamOf = (...chunks: string[]) =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(chunk));
      },
    });

  it('comes back from the platform as it was, cookies one by one', async () => {
    const headers = { 'x-a': 'b', 'set-cookie': ['a=1', 'b=2'] };
    const response = responseOf({ status: 201, headers, body: 'words' });
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
    const back = answerOf(response);
    assert.equal(back.status, 201);
    assert.deepEqual(back.headers, { ...headers, 'content-type': 'text/plain;charset=UTF-8' });
    assert.equal(await new Response(back.body as ReadableStream).text(), 'words');
  });

  it('has been sent when its stream was read to the end, and not before', async () => {
    const { response, times } = sent({ body: streamOf('a', 'b') });
    assert.equal(times(), 0);
    assert.equal(await response.text(), 'ab');
    assert.equal(times(), 1);
  });

  it('has been sent, once, when its stream is given up', async () => {
    const { response, times } = sent({ body: new ReadableStream() });
    const reader = response.body?.getReader();
    const read = reader?.read();
    await reader?.cancel();
    assert.deepEqual([(await read)?.done, times()], [true, 1]);
  });

  it('has been sent when its stream fails', async () => {
    const body = new ReadableStream({ pull: () => Promise.reject(new Error('broken')) });
    const { response, times } = sent({ body });
    await assert.rejects(response.text(), /broken/);
    assert.equal(times(), 1);
  });

  it('has been sent at once where there is nothing to wait for', () => {
    assert.equal(sent({}).times(), 1);
    assert.equal(sent({ body: 'words' }).times(), 1);
  });
});
