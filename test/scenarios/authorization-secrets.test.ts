import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { type Connected, connected } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import { jsonReply, type Reply } from '../support/scripted/reply.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { guarded } from '../support/signed-in.ts';

/** All that a display, a log or a caller gets to see of a connection, and of the errors that it gave. */
function shown({ transport, errors }: Connected, ...failures: unknown[]): string {
  const seen = [transport.journal.entries, transport.snapshot(), errors, failures];
  return inspect(seen, { depth: 20, maxStringLength: null, maxArrayLength: null, breakLength: 200 });
}

async function failureOf({ client }: Connected): Promise<unknown> {
  return client.callTool({ name: 'count', arguments: { key: 'a' } }).then(
    () => assert.fail('it was answered'),
    (error) => error,
  );
}

function assertHidden(text: string, secrets: Iterable<string>): void {
  for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} in ${text}`);
}

/** Servers that repeat what they were sent. */
const repeating: Readonly<Record<string, (request: RequestRecord, status: number) => Reply>> = {
  text: ({ headers }, status) => ({ status, body: `No: ${headers.authorization} is not good` }),
  'JSON-RPC': ({ headers, id }, status) =>
    jsonReply(status, {
      jsonrpc: '2.0',
      id: id ?? null,
      error: { code: -32000, message: `no ${headers.authorization}` },
    }),
  OAuth: ({ headers }, status) =>
    jsonReply(status, { error: 'invalid_token', error_description: `unknown ${headers.authorization}` }),
};

describe('no secret is shown in journal, snapshot or error', () => {
  it('over sign-in, refresh, step-up and refusal', async () => {
    const wants = ({ tool }: RequestRecord) => (tool === 'peek' ? ['write'] : []);
    await using world = await guarded({ wants, person: { scope: 'read' } });
    const { server, oauth, person } = world;
    const { error } = await world.refused();
    await using scenario = await world.signedIn();
    oauth.expireAccess();
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    const stepUp = await scenario.client.callTool({ name: 'peek', arguments: { key: 'a' } }).catch((e) => e);
    server.forgetSessions('404-java');
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    oauth.revokeAll();
    const failure = await failureOf(scenario);
    const badCode = await scenario.transport.finishAuth('a-code-that-nobody-gave').catch((e) => e);
    assert.ok(oauth.secrets.length >= 5);
    const ids = server.requests.flatMap(({ sessionId }) => sessionId ?? []);
    assert.ok(ids.length > 0);
    assert.ok(person.sentTo.length >= 2);
    assertHidden(shown(scenario, error, stepUp, failure, badCode), [
      ...oauth.secrets,
      ...ids,
      'a-code-that-nobody-gave',
    ]);
  });

  for (const [how, reply] of Object.entries(repeating)) {
    for (const status of [400, 401, 403, 404, 500, 503]) {
      it(`where a server repeats it in a ${status}, as ${how}`, async () => {
        await using server = await ScriptedServer.start();
        const headers = { authorization: 'Bearer a-token-of-the-user', 'x-api-key': 'a-key-of-the-user' };
        const requestInit = { headers };
        await using scenario = await connected(server.url, { requestInit, patienceMs: 50 });
        const rule = server.answerAlways({ method: 'POST' }, (request) => reply(request, status));
        const failure = await failureOf(scenario);
        rule.dispose();
        const text = shown(scenario, failure);
        assertHidden(text, ['a-token-of-the-user', 'a-key-of-the-user']);
      });
    }
  }

  for (const dialect of ['404-java', '200-error'] as const) {
    it(`where a server repeats the session id, as ${dialect}: its first characters are left to tell it by`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      const [session] = server.sessions;
      const id = session?.id ?? assert.fail('no session');
      server.forgetSessions((request) =>
        dialect === '404-java'
          ? { status: 404, body: `Session not found: ${request.sessionId}` }
          : jsonReply(200, {
              jsonrpc: '2.0',
              id: request.id ?? null,
              error: { code: -32600, message: `Session not found: ${request.sessionId}` },
            }),
      );
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assertHidden(shown(scenario), [id]);
      assert.ok(shown(scenario).includes(`Session not found: ${id.slice(0, 8)}`));
    });
  }

  it('where a token is no HTTP header: the error names its source and not its value', async () => {
    await using server = await ScriptedServer.start();
    const failure = await connected(server.url, {
      headers: () => ({ authorization: 'Bearer pasted-with\na-line-break' }),
    }).catch((error) => error);
    assert.ok(isFailure(failure, 'INVALID_CONFIGURATION'), String(failure));
    assert.match(failure.message, /headers\(\)/);
    assertHidden(inspect(failure, { depth: 20 }), ['pasted-with', 'a-line-break']);
    assert.equal(server.requests.length, 0);
  });
});

describe('no secret goes where it does not belong', () => {
  it('to another origin, by a redirect', async () => {
    await using elsewhere = await ScriptedServer.start();
    await using world = await guarded();
    const { server, oauth } = world;
    await using scenario = await world.signedIn();
    for (const status of [301, 302, 303, 307, 308]) {
      server.answerNext({ tool: 'count' }, { status, headers: { location: elsewhere.url } });
      const failure = await failureOf(scenario);
      assert.ok(isFailure(failure, 'HTTP_STATUS'), String(failure));
      assertHidden(shown(scenario, failure), oauth.secrets);
    }
    server.answerNext({ method: 'GET' }, { status: 307, headers: { location: elsewhere.url } });
    server.closeGetStreams();
    await server.ended({ method: 'GET' }, 2);
    assert.equal(elsewhere.requests.length, 0);
  });

  it('to the authorization server: the headers of the user are for the MCP server', async () => {
    await using world = await guarded();
    const { server, oauth } = world;
    await using scenario = await world.signedIn({
      requestInit: { headers: { 'x-api-key': 'for-the-server-alone' } },
    });
    oauth.expireAccess();
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.ok(server.requests.every(({ headers }) => headers['x-api-key'] === 'for-the-server-alone'));
    assert.ok(oauth.requests.length > 3);
    assert.ok(oauth.requests.every((headers) => !('x-api-key' in headers)));
  });
});
