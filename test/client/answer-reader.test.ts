import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { type AnswerHead, AnswerReader, fieldOf } from '../../src/client/wire/http/plain/answer-reader.ts';

interface Read {
  readonly head: AnswerHead | undefined;
  readonly body: string;
  /** Whether the connection may carry another request; undefined: the answer is not over. */
  readonly keepsAlive: boolean | undefined;
}

/** Reads what a server sends, in pieces of so many bytes at most; and then, if it `ends`, hears that no more comes. */
function readIn(size: number, bytes: Buffer, { isBodiless = false, ends = false } = {}): Read {
  let head: AnswerHead | undefined;
  const parts: Uint8Array[] = [];
  let keepsAlive: boolean | undefined;
  const reader = new AnswerReader({
    onHead: (given) => {
      assert.equal(head, undefined, 'one head');
      head = given;
    },
    onBody: (part) => parts.push(part),
    onEnd: (isKept) => {
      assert.equal(keepsAlive, undefined, 'one end');
      keepsAlive = isKept;
    },
  });
  reader.begin(isBodiless);
  for (let at = 0; at < bytes.length && !reader.isOver; at += size)
    reader.feed(bytes.subarray(at, at + size));
  if (ends && !reader.isOver) reader.end();
  return { head, body: Buffer.concat(parts).toString('latin1'), keepsAlive };
}

const read = (text: string, options?: Parameters<typeof readIn>[2]) =>
  readIn(text.length, Buffer.from(text, 'latin1'), options);

/** What Node.js itself reads of the same bytes. */
async function readByNode(bytes: Buffer): Promise<{ status: number; fields: string[]; body: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const outgoing = request({ port, host: '127.0.0.1', agent: false }).end();
    const [incoming] = await once(outgoing, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { statusCode, rawHeaders } = incoming as { statusCode: number; rawHeaders: string[] };
    const fields = rawHeaders.map((each, index) => (index % 2 === 0 ? each.toLowerCase() : each));
    return { status: statusCode, fields, body: Buffer.concat(chunks).toString('latin1') };
  } finally {
    server.close();
  }
}

const name = fc.stringMatching(/^[xX]-[a-zA-Z0-9]{1,8}$/);
const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,20}[!-~])?)?$/);
const part = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes));

/** A well-formed answer, whose body ends in any of the ways that there are. */
const answer = fc
  .record({
    status: fc.constantFrom(200, 202, 204, 304, 400, 404, 500),
    interim: fc.boolean(),
    fields: fc.array(fc.tuple(name, value), { maxLength: 6 }),
    parts: fc.array(part, { maxLength: 4 }),
    way: fc.constantFrom('length', 'chunked', 'close'),
    extension: fc.constantFrom('', ';a=b'),
    trailers: fc.array(fc.tuple(name, value), { maxLength: 2 }),
  })
  .map(({ status, interim, fields, parts, way, extension, trailers }) => {
    const isBodiless = status === 204 || status === 304;
    const lines = fields.map(([key, text]) => `${key}: ${text}\r\n`);
    const body = isBodiless ? Buffer.alloc(0) : Buffer.concat(parts);
    if (way === 'length' && !isBodiless) lines.push(`Content-Length: ${body.length}\r\n`);
    if (way === 'chunked' && !isBodiless) lines.push('Transfer-Encoding: chunked\r\n');
    const begin = `${interim ? 'HTTP/1.1 103 Early Hints\r\nx-early: yes\r\n\r\n' : ''}HTTP/1.1 ${status} Said so\r\n`;
    const head = Buffer.from(`${begin}${lines.join('')}\r\n`, 'latin1');
    const framed =
      way === 'chunked' && !isBodiless
        ? Buffer.concat([
            ...parts.flatMap((each) => [
              Buffer.from(`${each.length.toString(16)}${extension}\r\n`),
              each,
              Buffer.from('\r\n'),
            ]),
            Buffer.from(`0\r\n${trailers.map(([key, text]) => `${key}: ${text}\r\n`).join('')}\r\n`),
          ])
        : body;
    return Buffer.concat([head, framed]);
  });

describe('an answer of HTTP/1.1', () => {
  it('is read as Node.js reads it, in pieces of any size', async () => {
    const size = fc.integer({ min: 1, max: 60 });
    const property = fc.asyncProperty(answer, size, async (bytes, pieces) => {
      const { head, body, keepsAlive } = readIn(pieces, bytes, { ends: true });
      const expected = await readByNode(bytes);
      assert.deepEqual({ status: head?.status, fields: head?.fields.flat(), body }, expected);
      assert.notEqual(keepsAlive, undefined);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it('leaves its connection to the next request only where both sides know where it ends', () => {
    const kept = (text: string) => read(text, { ends: true }).keepsAlive;
    assert.equal(kept('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), true);
    assert.equal(kept('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'), true);
    assert.equal(kept('HTTP/1.1 204 No Content\r\n\r\n'), true);
    assert.equal(kept('HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 2\r\n\r\nok'), true);
    assert.equal(kept('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'), false);
    assert.equal(kept('HTTP/1.1 200 OK\r\nconnection: te, Close\r\ncontent-length: 2\r\n\r\nok'), false);
    assert.equal(kept('HTTP/1.1 200 OK\r\n\r\nok'), false);
    assert.equal(kept('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok'), false);
    const both = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
    assert.equal(kept(both), false);
    // More than was asked for.
    assert.equal(kept('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n'), false);
  });

  it('has no body where it says so by what it is', () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n';
    assert.deepEqual([read(head, { isBodiless: true }).keepsAlive, read(head).keepsAlive], [true, undefined]);
  });

  it('is not over when it is cut off', () => {
    for (const text of [
      'HTTP/1.1 200',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfour',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n',
    ]) {
      assert.equal(read(text, { ends: true }).keepsAlive, undefined, text);
    }
  });

  it('is refused when nobody can say what it means, or it has no end', () => {
    const ok = 'HTTP/1.1 200 OK\r\n';
    for (const text of [
      'SSH-2.0-OpenSSH_9.9\r\n\r\n',
      'HTTP/2 200\r\n\r\n',
      'HTTP/1.1 20 OK\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n',
      `${ok}no field\r\n\r\n`,
      `${ok}content-length : 5\r\n\r\n`,
      `${ok}x: a\0b\r\n\r\n`,
      `${ok}x: a\nb: c\r\n\r\n`,
      `${ok}content-length: -5\r\n\r\n`,
      `${ok}content-length: 5, 6\r\n\r\n`,
      `${ok}content-length: 5\r\ncontent-length: 6\r\n\r\n`,
      `${ok}transfer-encoding: chunked\r\n\r\nx\r\n`,
      `${ok}transfer-encoding: chunked\r\n\r\n-2\r\n`,
      `${ok}transfer-encoding: chunked\r\n\r\n2\r\nokay\r\n`,
      `${ok}transfer-encoding: chunked\r\n\r\n2\nok\r\n`,
      `${ok}x: ${'y'.repeat(16 * 1024)}\r\n\r\n`,
      `${ok}x: ${'y'.repeat(20 * 1024)}`,
      `${ok}transfer-encoding: chunked\r\n\r\n2;${'y'.repeat(20 * 1024)}`,
      `${ok}transfer-encoding: chunked\r\n\r\n0\r\n${`x: ${'y'.repeat(80)}\r\n`.repeat(300)}`,
    ]) {
      for (const size of [1, 7, text.length]) {
        const reading = () => readIn(size, Buffer.from(text, 'latin1'));
        assert.throws(reading, { code: 'ERR_MALFORMED_ANSWER' }, JSON.stringify(text.slice(0, 80)));
      }
    }
  });

  it('gives a field that came in several lines as one', () => {
    const { head } = read(
      'HTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 2\r\ncontent-type: a/b\r\ncontent-type: c/d\r\nx-b: 1\r\n  2\r\ncontent-length: 0, 0\r\nkeep-alive: timeout=5, max=9\r\n\r\n',
    );
    assert.ok(head);
    const { keepsForS } = head;
    const [a, b, type, none] = ['x-a', 'x-b', 'content-type', 'x-c'].map((each) => fieldOf(head, each));
    assert.deepEqual(
      { a, b, type, none, keepsForS },
      { a: '1, 2', b: '1 2', type: 'a/b', none: undefined, keepsForS: 5 },
    );
  });
});
