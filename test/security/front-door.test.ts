import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { answerTo, type Door, doors, head, statusesOf } from './doors.ts';

const MiB = 1024 * 1024;
const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const whole = ['Connection: close', `Content-Length: ${body.length}`];

/** Names of other places, and texts that are no name, in every spelling in which a page or a resolver could bring them. */
const foreignHosts: readonly ((port: number) => string)[] = [
  () => 'evil.example',
  (port) => `evil.example:${port}`,
  () => 'EVIL.EXAMPLE',
  () => 'evil.example.',
  (port) => `127.0.0.1.evil.example:${port}`,
  () => 'localhost.evil.example',
  () => 'localhost.evil',
  () => 'notlocalhost',
  () => '127.0.0.1.nip.io',
  () => '0.0.0.0',
  () => '0',
  () => '[::]',
  () => '[::ffff:10.0.0.1]',
  () => '[fe80::1]',
  () => '10.0.0.1',
  () => '192.168.1.1',
  () => '169.254.169.254',
  () => '128.0.0.1',
  (port) => `127.0.0.1:${port}@evil.example`,
  () => 'evil.example@127.0.0.1',
  () => '127.0.0.1#evil.example',
  () => '127.0.0.1?evil.example',
  () => '127.0.0.1/evil.example',
  () => '127.0.0.1\\evil.example',
  () => '127.0.0.1 evil.example',
  () => '127.0.0.1, evil.example',
  () => 'http://127.0.0.1',
  () => '127.0.0.1:port',
  () => '127.0.0.1:99999',
  () => '[',
  () => ':',
  () => '',
  () => 'localhost%00.evil.example',
  () => 'lo\xe7alhost',
];

/** Pages that are not of this machine, and texts that are no origin. */
const foreignOrigins: readonly ((port: number) => string)[] = [
  () => 'https://evil.example',
  (port) => `http://evil.example:${port}`,
  () => 'null',
  () => '',
  () => 'file://',
  () => 'data:',
  () => 'about:blank',
  () => 'javascript:alert(1)',
  () => 'chrome-extension://abcdefghijklmnop',
  () => 'moz-extension://abc',
  () => 'vscode-webview://abc',
  () => 'http://127.0.0.1.evil.example',
  () => 'http://localhost.evil.example',
  () => 'http://localhost@evil.example',
  () => 'http://192.168.1.1',
  () => 'http://0.0.0.0',
  () => 'http://[::]',
  () => 'ws://127.0.0.1',
  (port) => `127.0.0.1:${port}`,
  () => 'http://localhost, http://evil.example',
];

for (const [name, open] of Object.entries(doors)) {
  describe(`${name}, to whoever knocks (issue 14)`, () => {
    let door: Door;

    before(async () => {
      door = await open();
    });

    after(() => door[Symbol.asyncDispose]());

    const ask = (how: Parameters<typeof head>[1] = {}, text = body) =>
      answerTo(door, `${head(door, { more: whole, ...how })}\r\n\r\n${text}`);

    /** What is refused below is refused for its own sake. */
    it('lets a good request in, by each name of this machine', async () => {
      for (const host of [`127.0.0.1:${door.port}`, 'localhost', `LOCALHOST:${door.port}`, '[::1]']) {
        const [status = 0] = statusesOf(await ask({ host }));
        // No session, or nobody behind the front: it has passed the guard.
        assert.ok([200, 202, 400, 404, 503].includes(status), `${host}: ${status}`);
        const words = await ask({ host });
        assert.doesNotMatch(words, /not one of this server|may not use/);
      }
    });

    it('lets in no name that was pointed here, in whatever spelling', async () => {
      for (const hostOf of foreignHosts) {
        const host = hostOf(door.port);
        const answer = await ask({ host });
        assert.deepEqual(
          statusesOf(answer).filter((status) => status !== 403 && status !== 400),
          [],
          `${host}: ${answer}`,
        );
        assert.match(answer, /^HTTP\/1\.1 (?:403|400) /, host);
        assert.doesNotMatch(answer, /\r\nmcp-session-id:/i, host);
      }
    });

    it('lets in no page of another place, with a good Host too', async () => {
      for (const originOf of foreignOrigins) {
        const origin = originOf(door.port);
        const answer = await ask({ more: [`Origin: ${origin}`, ...whole] });
        assert.deepEqual(statusesOf(answer), [403], `${origin}: ${answer}`);
        assert.doesNotMatch(answer, /access-control-allow/i, origin);
      }
    });

    it('lets in nobody who says twice where he wants to, or where he comes from', async () => {
      const good = `127.0.0.1:${door.port}`;
      for (const more of [
        ['Host: evil.example', ...whole],
        [`Host: ${good}`, ...whole],
        [`Origin: http://${good}`, 'Origin: https://evil.example', ...whole],
        ['Origin: https://evil.example', `Origin: http://${good}`, ...whole],
      ]) {
        const answer = await ask({ more });
        assert.match(answer, /^HTTP\/1\.1 40[03] /, more.join(' | '));
        assert.equal(statusesOf(answer).length, 1);
      }
    });

    it('goes nowhere for anybody: no whole address, no tunnel, no upgrade, no other method', async () => {
      for (const first of [
        `POST http://evil.example${door.path} HTTP/1.1`,
        `POST http://127.0.0.1:${door.port}${door.path} HTTP/1.1`,
        'CONNECT evil.example:443 HTTP/1.1',
        `TRACE ${door.path} HTTP/1.1`,
        `PUT ${door.path} HTTP/1.1`,
        `GET ${door.path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade`,
      ]) {
        const answer = await ask({ first, more: ['Connection: close', 'Content-Length: 0'] }, '');
        const [status] = statusesOf(answer);
        assert.ok(status === undefined || (status >= 400 && status < 600), `${first}: ${answer}`);
        assert.doesNotMatch(answer, /\r\nmcp-session-id:/i);
      }
    });

    const smuggled = `POST ${'/smuggled'} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    const ambiguous: Readonly<Record<string, readonly [lines: readonly string[], body: string]>> = {
      'a length and chunks': [['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
      'two lengths': [['Content-Length: 0', 'Content-Length: 40'], smuggled],
      'a list of lengths': [['Content-Length: 0, 40'], smuggled],
      'a length below zero': [['Content-Length: -1'], smuggled],
      'a length with a sign': [['Content-Length: +0'], smuggled],
      'a length in hexadecimal': [['Content-Length: 0x0'], smuggled],
      'a coding that is none': [['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`],
      'chunks that are not the last coding': [
        ['Transfer-Encoding: chunked, identity'],
        `0\r\n\r\n${smuggled}`,
      ],
      'a blank before the colon': [['Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled}`],
      'a line that goes on in the next': [['Transfer-Encoding:', ' chunked'], `0\r\n\r\n${smuggled}`],
      'a chunk whose size is none': [['Transfer-Encoding: chunked'], `0x0\r\n\r\n${smuggled}`],
      'a line end within a value': [['X: a\nTransfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
      'a null within a value': [['X: a\0b', 'Content-Length: 0'], smuggled],
    };
    for (const [what, [more, text]] of Object.entries(ambiguous)) {
      it(`takes no second request out of the body of one with ${what}`, async () => {
        const answer = await answerTo(door, `${head(door, { more })}\r\n\r\n${text}`);
        assert.ok(statusesOf(answer).length <= 1, answer);
        assert.doesNotMatch(answer, /^HTTP\/1\.1 2/, answer);
      });
    }

    it('takes no body of a gigabyte, with a length and without, and reads little of it', async () => {
      const large = head(door, { more: [`Content-Length: ${1024 * MiB}`] });
      const declared = await answerTo(door, `${large}\r\n\r\n{`, { first: true });
      assert.deepEqual(statusesOf(declared), [413]);

      const socket = connect(door.port, '127.0.0.1').on('error', () => {});
      let answer = '';
      socket.setEncoding('latin1').on('data', (chunk) => {
        answer += chunk;
      });
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(`${head(door, { more: ['Transfer-Encoding: chunked'] })}\r\n\r\n`);
      const chunk = `${MiB.toString(16)}\r\n${' '.repeat(MiB)}\r\n`;
      let sent = 0;
      while (sent < 1024 && !socket.destroyed && answer === '') {
        const isTaken = socket.write(chunk);
        sent += 1;
        if (!isTaken) await Promise.race([new Promise((done) => socket.once('drain', done)), closed]);
      }
      // The limit is 4 MiB; the rest is in the buffers of the sockets between.
      assert.ok(sent < 64, `${sent} MiB were taken`);
      socket.destroy();
      await closed;
      // A reset may overtake the words.
      if (answer !== '') assert.match(answer, /^HTTP\/1\.1 413 /);
    });
  });
}

describe('the token of the gateway (issue 14)', () => {
  let door: Door;

  before(async () => {
    door = await (doors['the gateway'] ?? assert.fail)();
  });

  after(() => door[Symbol.asyncDispose]());

  it('is looked for in its header alone, whole and as it is', async () => {
    const [right = ''] = door.authorization;
    const token = right.slice('Authorization: Bearer '.length);
    const swapped = [...token]
      .map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()))
      .join('');
    const variants: readonly (readonly string[])[] = [
      [],
      ['Authorization:'],
      ['Authorization: Bearer'],
      ['Authorization: Bearer undefined'],
      [`Authorization: Bearer ${swapped}`],
      [`Authorization: Bearer ${token.slice(1)}`],
      [`Authorization: Bearer ${token}=`],
      [`Authorization: Bearer "${token}"`],
      [`Authorization: Bearer ${token},${token}`],
      [`Authorization: Bearer\t${token}`],
      [`Authorization: Basic ${Buffer.from(`:${token}`).toString('base64')}`],
      [`Authorization: ${token}`],
      ['Authorization: Bearer wrong', `Authorization: Bearer ${token}`],
      [`Proxy-Authorization: Bearer ${token}`],
      [`X-Authorization: Bearer ${token}`],
      [`Cookie: token=${token}`],
      [`Mcp-Session-Id: ${token}`],
    ];
    for (const authorization of variants) {
      const answer = await answerTo(
        door,
        `${head({ ...door, authorization }, { more: whole })}\r\n\r\n${body}`,
      );
      assert.deepEqual(statusesOf(answer), [401], authorization.join(' | '));
    }
    const path = `${door.path}?access_token=${token}&token=${token}`;
    const asked = head({ ...door, authorization: [] }, { first: `POST ${path} HTTP/1.1`, more: whole });
    assert.deepEqual(statusesOf(await answerTo(door, `${asked}\r\n\r\n${body}`)), [401]);
  });

  it('is asked for before a path, a method or a body is looked at', async () => {
    const nobody = { ...door, authorization: [] };
    for (const first of [
      'GET / HTTP/1.1',
      'PUT /one/mcp HTTP/1.1',
      'DELETE /two/mcp HTTP/1.1',
      'POST /../x HTTP/1.1',
    ]) {
      const answer = await answerTo(door, `${head(nobody, { first, more: ['Content-Length: 0'] })}\r\n\r\n`);
      assert.deepEqual(statusesOf(answer), [401], first);
      assert.doesNotMatch(answer, /one/);
    }
  });
});
