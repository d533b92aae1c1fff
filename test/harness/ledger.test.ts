import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { freePort } from '../../harness/free-port.ts';
import { Ledger, ranTwice, readLedger } from '../../harness/ledger.ts';
import { LedgerEndpoint, lostSessionDialects } from '../../harness/ledger-endpoint.ts';
import { ledgerServer } from '../../harness/programs.ts';
import { readRequestLog } from '../../harness/request-log.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { until } from '../../harness/until.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { plainClient } from '../support/sdk-client.ts';

describe('the ledger', () => {
  let scratch: ScratchFolder;

  beforeEach(() => {
    scratch = scratchFolder();
  });

  afterEach(() => scratch[Symbol.dispose]());

  describe('as a file', () => {
    it('counts an entry that ran twice, also when two processes ran it', () => {
      const first = new Ledger(scratch.file('ledger'));
      first.append('a', 'one');
      first.append('b', 'one');
      first.close();
      const second = new Ledger(first.file);
      second.append('a', 'two');
      second.close();
      assert.deepEqual(ranTwice(readLedger(first.file)), new Map([['a', 2]]));
    });

    it('knows after a restart what was written before it', () => {
      const first = new Ledger(scratch.file('ledger'));
      first.append('a', 'one');
      first.close();
      const second = new Ledger(first.file);
      assert.deepEqual([second.has('a'), second.has('b')], [true, false]);
      second.close();
    });

    it('refuses to be a witness with a line that is not whole', () => {
      const ledger = new Ledger(scratch.file('ledger'));
      ledger.append('a', 'one');
      ledger.close();
      appendFileSync(ledger.file, '{"entry":"b"');
      assert.throws(() => readLedger(ledger.file), SyntaxError);
    });
  });

  describe('as an endpoint in this process', () => {
    it('runs a call each time it is sent: two calls with one entry are two lines', async () => {
      const endpoint = await LedgerEndpoint.start({ file: scratch.file('ledger') });
      const plain = await plainClient(endpoint.url);
      await plain.call('append', { entry: 'a' });
      await plain.call('append', { entry: 'a' });
      assert.equal(await plain.call('has', { entry: 'a' }), 'true');
      assert.equal(await plain.call('has', { entry: 'b' }), 'false');
      await plain.client.close();
      await endpoint.close();
      const lines = readLedger(scratch.file('ledger'));
      assert.deepEqual(ranTwice(lines), new Map([['a', 2]]));
      assert.equal(lines[0]?.session, plain.transport.sessionId?.slice(0, 8));
    });

    it('declares only its reading tools as safe to repeat', async () => {
      const endpoint = await LedgerEndpoint.start({ file: scratch.file('ledger') });
      const plain = await plainClient(endpoint.url);
      const { tools } = await plain.client.listTools();
      await plain.client.close();
      await endpoint.close();
      const safe = tools.filter((tool) => tool.annotations?.readOnlyHint || tool.annotations?.idempotentHint);
      assert.deepEqual(
        safe.map((tool) => tool.name),
        ['has', 'read'],
      );
      assert.deepEqual(tools.map((tool) => tool.name).sort(), [
        'append',
        'has',
        'read',
        'release',
        'slow_append',
      ]);
    });

    it('holds a slow append after the entry was written until it is released', async () => {
      const told: string[] = [];
      const listeners = new Set<(event: string) => void>();
      const endpoint = await LedgerEndpoint.start({
        file: scratch.file('ledger'),
        tell: (event) => {
          told.push(event);
          for (const listener of listeners) listener(event);
        },
      });
      const appended = until<string>(
        (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        (event) => event === 'appended a',
      );
      const plain = await plainClient(endpoint.url);
      let answered = false;
      const call = plain.call('slow_append', { entry: 'a', afterMs: 60_000 }).then(() => {
        answered = true;
      });
      await appended;
      assert.equal(await plain.call('has', { entry: 'a' }), 'true');
      assert.equal(answered, false);
      assert.equal(await plain.call('release', { entry: 'a' }), 'released');
      await call;
      assert.deepEqual(told, ['started a', 'appended a']);
      await plain.client.close();
      await endpoint.close();
    });

    const expected = {
      '404-json': [
        404,
        'application/json',
        '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}',
      ],
      '404-empty': [404, null, ''],
      '400-json': [
        400,
        'application/json',
        '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}',
      ],
      '400-text': [400, null, 'Bad Request: No valid session ID provided'],
    } as const;

    for (const dialect of lostSessionDialects) {
      it(`answers a session it does not know in the dialect ${dialect}, byte for byte`, async () => {
        const endpoint = await LedgerEndpoint.start({ file: scratch.file('ledger'), dialect });
        const response = await fetch(endpoint.url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-session-id': 'of-another-life',
          },
          body: '{"jsonrpc":"2.0","id":7,"method":"ping"}',
        });
        const got = [response.status, response.headers.get('content-type'), await response.text()];
        await endpoint.close();
        assert.deepEqual(got, expected[dialect]);
      });
    }
  });

  describe('as a process', () => {
    it('keeps what was written over a SIGKILL before the answer, and forgets the session', async () => {
      const file = scratch.file('ledger');
      const requestLog = scratch.file('requests');
      await using server = await SupervisedServer.start(
        ledgerServer({ port: await freePort(), file, requestLog, dialect: '404-empty' }),
      );
      const plain = await plainClient(server.url);
      const written = until(
        (listener) => server.onLine(listener),
        (line) => line === 'appended a',
      );
      const call = plain.call('slow_append', { entry: 'a', afterMs: 60_000 });
      call.catch(() => {});
      await written;
      await server.restart();
      assert.deepEqual(
        readLedger(file).map((line) => line.entry),
        ['a'],
      );
      await assert.rejects(plain.call('has', { entry: 'a' }), { code: 404 });
      await plain.client.close();

      const log = readRequestLog(requestLog);
      const initializes = log.filter((request) => request.rpc === 'initialize');
      assert.deepEqual(
        initializes.map(({ session, status }) => ({ session, status })),
        [{ session: false, status: 200 }],
      );
      const calls = log.filter((request) => request.rpc === 'tools/call');
      // The first was killed in the middle; the head of its event stream may have been out by then, or not.
      assert.deepEqual([calls.length, calls[1]?.status], [2, 404]);
      assert.notEqual(calls[0]?.pid, calls[1]?.pid);
    });

    it('says which option is wrong', async () => {
      const program = { ...ledgerServer({ port: await freePort(), file: scratch.file('ledger') }) };
      await assert.rejects(
        SupervisedServer.start({ ...program, args: ['--dialect', 'klingon'] }),
        /--dialect is one of 404-json, 404-empty, 400-json, 400-text/,
      );
    });
  });
});
