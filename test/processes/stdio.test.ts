import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { isResilientMcpError } from '../../src/client/index.ts';
import { codeOf } from '../support/failure.ts';
import { textOf } from '../support/sdk-client.ts';
import { type LedgerClient, ledgerClient, lives, stopped } from '../support/stdio/ledger.ts';

/** Kills the program and waits until the connection holds another session. */
async function killed(scenario: LedgerClient): Promise<void> {
  const { generation } = scenario.transport.snapshot();
  process.kill(scenario.ledger.pid, 'SIGKILL');
  await scenario.state(({ status, generation: now }) => status === 'ready' && now === generation + 1);
}

describe('a program on standard input and output', () => {
  it('is started, called, and ends with its connection', async () => {
    await using scenario = await ledgerClient();
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(scenario.transport.snapshot().generation, 1);
    const { pid } = scenario.ledger;
    await scenario.client.close();
    assert.ok(!lives(pid));
    assert.deepEqual(scenario.ledger.lines.slice(-1), ['input ended']);
  });

  it('is started again when it was killed, before anybody calls it', async () => {
    await using scenario = await ledgerClient();
    await killed(scenario);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(scenario.ledger.pids().length, 2);
    const [lost] = scenario.facts('sessionLost');
    assert.match(JSON.stringify(lost), /The program was ended by SIGKILL/);
    assert.equal(scenario.transport.snapshot().trouble, undefined);
  });

  it('is killed for real where that is simulated, and ends where it is paused', async () => {
    await using scenario = await ledgerClient();
    assert.deepEqual(scenario.transport.faults, ['kill']);
    const first = scenario.ledger.pid;
    scenario.transport.simulate({ kind: 'kill' });
    await scenario.state(({ status, generation }) => status === 'ready' && generation === 2);
    assert.ok(!lives(first));
    scenario.transport.pause();
    await scenario.fact('sessionEnded');
    assert.ok(!lives(scenario.ledger.pid));
    assert.equal(await scenario.call('count', 'a'), 'CONNECTION_PAUSED');
    scenario.transport.resume();
    await scenario.state(({ status, generation }) => status === 'ready' && generation === 3);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('has its log level and its subscriptions put back before the client says a word', async () => {
    await using scenario = await ledgerClient();
    await scenario.client.setLoggingLevel('debug');
    await scenario.client.subscribeResource({ uri: 'a://b' });
    await killed(scenario);
    await scenario.tells('level debug', 2);
    await scenario.tells('subscribed a://b', 2);
    await scenario.tells(`initialized ${scenario.ledger.pid}`);
  });

  it('is never called twice when it was killed under a call that may have run', async () => {
    await using scenario = await ledgerClient();
    await scenario.client.listTools();
    const call = scenario.client
      .callTool({ name: 'hang', arguments: { key: 'a' } })
      .catch((error: unknown) => error);
    await scenario.tells('running hang a');
    await killed(scenario);
    const failure = await call;
    assert.ok(isResilientMcpError(failure, 'OUTCOME_UNKNOWN'), String(failure));
    assert.match(failure.message, /may or may not have run: The program was ended by SIGKILL/);
    assert.equal(scenario.ledger.runs('hang', 'a'), 1);
  });

  it('is called again when the tool under which it was killed is read-only', async () => {
    await using scenario = await ledgerClient();
    await scenario.client.listTools();
    const call = scenario.call('hangPeek', 'a');
    await scenario.tells('running hangPeek a');
    process.kill(scenario.ledger.pid, 'SIGKILL');
    await scenario.tells('running hangPeek a', 2);
    assert.equal(scenario.facts('requestReplayed').length, 1);
    await scenario.client.close();
    assert.match(await call, /CONNECTION_CLOSED|Connection closed/);
  });

  it('follows the policy of the user for calls that may have run', async () => {
    const replay = { default: 'never', tools: { kill: 'always' } } as const;
    await using scenario = await ledgerClient({ entry: { replay } });
    await scenario.client.listTools();
    assert.equal(await scenario.call('exitPeek', 'a'), 'OUTCOME_UNKNOWN');
    assert.equal(scenario.ledger.runs('exitPeek', 'a'), 1);
    assert.equal(await scenario.call('kill', 'b'), 'OUTCOME_UNKNOWN');
    assert.equal(scenario.ledger.runs('kill', 'b'), 5);
  });

  it('is not ended over and over by one call that ends it each time', async () => {
    await using scenario = await ledgerClient();
    await scenario.client.listTools();
    const failure = await scenario.client
      .callTool({ name: 'exitPeek', arguments: { key: 'a' } })
      .catch((error: unknown) => error);
    assert.ok(isResilientMcpError(failure, 'OUTCOME_UNKNOWN'), String(failure));
    assert.match(failure.message, /The program ended with exit code 3.*it was cut off 5 times/);
    assert.equal(scenario.ledger.runs('exitPeek', 'a'), 5);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('runs a call that it had not been given whole when it was killed, and runs it once', async function () {
    if (process.platform !== 'linux') this.skip();
    await using scenario = await ledgerClient();
    await scenario.client.listTools();
    // It reads nothing, so the system takes the first part of a message that no pipe can hold, and no more.
    await stopped(scenario.ledger.pid);
    const whole = scenario.call('count', 'whole');
    const cut = scenario.call('count', `cut ${'x'.repeat(4_000_000)}`);
    const waiting = scenario.call('count', 'waiting');
    // By then the system has taken what it takes.
    await new Promise((resolve) => setImmediate(resolve));
    process.kill(scenario.ledger.pid, 'SIGKILL');
    assert.equal(await whole, 'OUTCOME_UNKNOWN');
    assert.equal(await cut, 'ran cut xxxxxxxxxxxxxxxx');
    assert.equal(await waiting, 'ran waiting');
    assert.equal(scenario.ledger.runs('count', 'whole'), 0);
    assert.equal(scenario.ledger.runs('count', 'waiting'), 1);
  });

  it('answers calls that were made while it was away', async () => {
    await using scenario = await ledgerClient();
    process.kill(scenario.ledger.pid, 'SIGKILL');
    const calls = Array.from({ length: 20 }, (_, index) => scenario.call('count', `k${index}`));
    const answers = await Promise.all(calls);
    for (const [index, answer] of answers.entries()) {
      const ran = scenario.ledger.runs('count', `k${index}`);
      // What was written to the dying process is reported; everything else has run, once.
      assert.deepEqual([answer, ran], answer === 'OUTCOME_UNKNOWN' ? [answer, 0] : [`ran k${index}`, 1]);
    }
  });

  it('has the client told what its successor lists otherwise', async () => {
    await using scenario = await ledgerClient();
    await scenario.client.listTools();
    writeFileSync(`${scenario.ledger.path}.tools`, 'further');
    await killed(scenario);
    await scenario.fact('serverChanged');
    assert.deepEqual(scenario.told, ['notifications/tools/list_changed']);
  });

  it('can ask the client, which need not answer a program that is gone', async () => {
    let answer: (() => void) | undefined;
    await using scenario = await ledgerClient({
      client: { capabilities: { roots: {} } },
      prepare: (client) =>
        client.setRequestHandler(ListRootsRequestSchema, async (_request, { signal }) => {
          await new Promise<void>((resolve) => {
            answer = resolve;
            signal.addEventListener('abort', () => resolve());
          });
          return { roots: [{ uri: 'file:///a' }] };
        }),
    });
    const asked = scenario.call('ask', 'a');
    await scenario.tells('running ask a');
    while (!answer) await new Promise((resolve) => setImmediate(resolve));
    answer();
    assert.equal(await asked, '{"roots":[{"uri":"file:///a"}]}');
    answer = undefined;
    const askedInVain = scenario.call('ask', 'b');
    while (!answer) await new Promise((resolve) => setImmediate(resolve));
    await killed(scenario);
    assert.equal(await askedInVain, 'OUTCOME_UNKNOWN');
    assert.equal(await scenario.call('count', 'c'), 'ran c');
  });

  it('is told of a call that was given up, and tells its progress to the one that asked', async () => {
    await using scenario = await ledgerClient();
    const abort = new AbortController();
    const progress = Promise.withResolvers<number>();
    const call = scenario.client
      .callTool({ name: 'hang', arguments: { key: 'a' } }, undefined, {
        signal: abort.signal,
        onprogress: (told) => progress.resolve(told.progress),
      })
      .catch(codeOf);
    assert.equal(await progress.promise, 1);
    abort.abort();
    await call;
    const [line] = await untilTold(scenario, /^cancelled \d+$/);
    assert.ok(line);
  });

  it('may print to its standard output: what is no message is passed over, and shown', async () => {
    await using scenario = await ledgerClient();
    assert.equal(await scenario.call('garbage', 'a'), 'ran');
    await scenario.tells('listening on port 3000');
    await scenario.tells('{"not": "a message"}');
    assert.equal(scenario.errors.length, 2);
    assert.match(String(scenario.errors[0]), /standard output that is no JSON-RPC message/);
  });

  for (const [what, members, code] of [
    ['a result of null', '"result":null', 'PROTOCOL_VIOLATION'],
    ['an error that is a text', '"error":"no such thing"', 'PROTOCOL_VIOLATION'],
    ['neither a result nor an error', '"note":"done"', 'PROTOCOL_VIOLATION'],
    ['a result that is nested too deep', `"result":${'['.repeat(5000)}${']'.repeat(5000)}`, 'LIMIT_EXCEEDED'],
  ] as const) {
    it(`fails the one call, at once, that it answers with ${what}`, async () => {
      await using scenario = await ledgerClient();
      assert.equal(await scenario.call('raw', members), code);
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(scenario.transport.snapshot().generation, 1);
    });
  }

  it('is not given a call that is nested too deep', async () => {
    await using scenario = await ledgerClient();
    const value: unknown = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`);
    const failure = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'deep', value } })
      .catch((error: unknown) => error);
    assert.equal(codeOf(failure), 'LIMIT_EXCEEDED');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('may answer with as much as the limit allows; of more, that one call is told, and nothing else is touched', async () => {
    const limits = { maxEventLength: 1_000_000 };
    await using scenario = await ledgerClient({ limits });
    await scenario.client.listTools();
    const answer = await scenario.client.callTool({ name: 'large', arguments: { key: '999000' } });
    assert.equal(textOf(answer).length, 999_000);
    const hanging = scenario.call('hang', 'other');
    await scenario.tells('running hang other');
    for (const tool of ['large', 'largePeek']) {
      const failure = await scenario.client
        .callTool({ name: tool, arguments: { key: '3000000' } })
        .catch((error: unknown) => error);
      assert.equal(codeOf(failure), 'LIMIT_EXCEEDED');
      assert.match(
        String(failure),
        /wrote a message of more than 1000000 bytes \(limits.maxEventLength, --max-message/,
      );
      assert.equal(scenario.ledger.runs(tool, '3000000'), 1);
    }
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(scenario.transport.snapshot().generation, 1);
    assert.equal(scenario.ledger.pids().length, 1);
    process.kill(scenario.ledger.pid, 'SIGKILL');
    assert.equal(await hanging, 'OUTCOME_UNKNOWN');
  });

  it('is started again when it writes a line without end', async () => {
    await using scenario = await ledgerClient({ limits: { maxEventLength: 10_000 } });
    const failure = await scenario.client
      .callTool({ name: 'endless', arguments: { key: 'a' } })
      .catch((error: unknown) => error);
    assert.match(
      String(failure),
      /may or may not have run: The program wrote a message of more than 10000 bytes/,
    );
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('is answered when its question is longer than the limit: it would wait for ever', async () => {
    const limits = { maxEventLength: 10_000 };
    await using scenario = await ledgerClient({ limits });
    const answer = await scenario.client.callTool({ name: 'askMuch', arguments: { key: '20000' } });
    assert.match(textOf(answer), /more than 10000 bytes/);
    assert.match(String(scenario.errors[0]), /more than 10000 bytes/);
  });

  it('is started again when it lives and its output is closed: the call under way is told at once', async () => {
    await using scenario = await ledgerClient();
    await scenario.client.listTools();
    const { pid } = scenario.ledger;
    const failure = await scenario.client
      .callTool({ name: 'mute', arguments: { key: 'a' } })
      .catch((error: unknown) => error);
    assert.equal(codeOf(failure), 'OUTCOME_UNKNOWN');
    assert.match(String(failure), /The program closed its standard output, and lived on/);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.ok(!lives(pid));
    assert.equal(scenario.ledger.pids().length, 2);
  });

  it('is started again when it closes its output while nobody calls, and a call that only reads is made again', async () => {
    await using scenario = await ledgerClient({ replay: { tools: { mute: 'never' } } });
    await scenario.client.listTools();
    const calling = scenario.call('hangPeek', 'a');
    await scenario.tells('running hangPeek a');
    assert.equal(await scenario.call('mute', 'b'), 'OUTCOME_UNKNOWN');
    await scenario.tells('running hangPeek a', 2);
    assert.equal(scenario.transport.snapshot().generation, 2);
    await scenario.client.close();
    assert.match(await calling, /closed/i);
  });
});

/** Waits for a line of standard error, those told before included. */
async function untilTold(scenario: LedgerClient, pattern: RegExp): Promise<readonly string[]> {
  const lines = () =>
    scenario.facts('serverWrote').flatMap((fact) => (fact.kind === 'serverWrote' ? [fact.text] : []));
  for (;;) {
    const found = lines().filter((line) => pattern.test(line));
    if (found.length > 0) return found;
    await scenario.fact('serverWrote', lines().length + 1);
  }
}
