import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client as ClientV2, UnauthorizedError as Unauthorized2 } from '@modelcontextprotocol/client';
import { UnauthorizedError as Unauthorized1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { isResilientMcpError, ResilientMcpError, ResilientTransport } from '../../src/client/index.ts';
import { connected, quick } from '../support/connected.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';
import { guarded } from '../support/signed-in.ts';
import { SseServer } from '../support/sse-server.ts';
import { isDirect } from '../support/way.ts';

const failureOf = (doing: Promise<unknown>): Promise<unknown> =>
  doing.then(
    () => assert.fail('it should have failed'),
    (error: unknown) => error,
  );

function assertUnauthorized(error: unknown): void {
  assert.ok(error instanceof Unauthorized1, `${error} is not the UnauthorizedError of SDK 1`);
  assert.ok(error instanceof Unauthorized2, `${error} is not the UnauthorizedError of SDK 2`);
  assert.ok(error instanceof ResilientMcpError);
  assert.ok(isResilientMcpError(error, 'UNAUTHORIZED'));
}

const newClient = () => new Client({ name: 'scenario', version: '1.0.0' });

// Here the client of the SDK holds the connection itself.
if (isDirect()) {
  describe("an error that stands for the SDK's UnauthorizedError", () => {
    it('is one where the server answers 401 and there is no provider', async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({}, jsonReply(401, { error: 'invalid_token' }));
      assertUnauthorized(await failureOf(newClient().connect(new ResilientTransport(server.url, quick))));
    });

    it('is one where a person has to sign in: at the connect, in a call, at a reset, for a code that is no code', async () => {
      await using world = await guarded();
      assertUnauthorized((await world.refused()).error);
      await using scenario = await world.signedIn();
      world.oauth.revokeAll();
      const calling = scenario.client.callTool({ name: 'count', arguments: { key: 'a' } });
      assertUnauthorized(await failureOf(calling));
      assertUnauthorized(await failureOf(scenario.transport.resetSession()));
      assertUnauthorized(await failureOf(scenario.transport.finishAuth('no-such-code')));
    });

    it('is one over a transport of the SDK', async () => {
      await using server = await SseServer.start();
      await using scenario = await (async () => {
        const transport = ResilientTransport.over(() => new SSEClientTransport(new URL(server.url)), quick);
        const client = newClient();
        await client.connect(transport);
        return { client, [Symbol.asyncDispose]: () => client.close() };
      })();
      server.next({ status: 401 });
      const calling = scenario.client.callTool({ name: 'count', arguments: { key: 'a' } });
      assertUnauthorized(await failureOf(calling));
    });

    it('is none for another reason', async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      server.answerAlways({ rpc: 'tools/call' }, jsonReply(413, {}));
      const error = await failureOf(scenario.client.callTool({ name: 'count', arguments: { key: 'a' } }));
      assert.ok(isResilientMcpError(error, 'HTTP_STATUS'));
      assert.ok(!(error instanceof Unauthorized1) && !(error instanceof Unauthorized2));
    });

    it("loads nothing of the SDK's OAuth before it is needed", async () => {
      const index = new URL('../../src/client/index.ts', import.meta.url).href;
      const script = `
        import { registerHooks } from 'node:module';
        registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
        const { ResilientTransport } = await import(${JSON.stringify(index)});
        await new ResilientTransport('http://127.0.0.1:1/mcp').close();`;
      const node = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
      const { stdout } = await node;
      assert.match(stdout, /resilient-transport/);
      assert.doesNotMatch(stdout, /client\/auth\.js|oauth-flow/);
    });
  });

  describe('a client of SDK 2 that asks which era the server is of', () => {
    const versions = (mode: 'auto' | { readonly pin: string }) =>
      new ClientV2({ name: 'scenario', version: '2.0.0' }, { versionNegotiation: { mode } });
    const count = (client: ClientV2) => client.callTool({ name: 'count', arguments: { key: 'a' } });

    it('falls back to initialize, and its calls are answered, also after the session was lost', async () => {
      await using server = await ScriptedServer.start();
      const client = versions('auto');
      await client.connect(new ResilientTransport(server.url, quick));
      server.forgetSessions('404-json');
      assert.equal(textOf(await count(client)), 'ran a');
      assert.equal(client.getNegotiatedProtocolVersion(), '2025-11-25');
      assert.deepEqual(server.violations, []);
      await client.close();
    });

    it('falls back over a transport of the SDK as well', async () => {
      await using server = await SseServer.start();
      const client = versions('auto');
      await client.connect(ResilientTransport.over(() => new SSEClientTransport(new URL(server.url)), quick));
      assert.equal(textOf(await count(client)), 'ran a');
      await client.close();
    });

    it('is told what a server says that is of the stateless era alone', async () => {
      await using server = await ScriptedServer.start();
      const error = {
        code: -32022,
        message: 'Unsupported protocol version',
        data: { supported: ['2026-07-28'] },
      };
      server.answerAlways({}, ({ message }) =>
        jsonReply(400, { jsonrpc: '2.0', id: message?.id ?? null, error }),
      );
      const failure = await failureOf(versions('auto').connect(new ResilientTransport(server.url, quick)));
      assert.match(String(failure), /Unsupported protocol version/);
    });

    it('and takes no other is refused in words that name the transport, and nothing is sent', async () => {
      await using server = await ScriptedServer.start();
      const pinned = versions({ pin: '2026-07-28' });
      const failure = await failureOf(pinned.connect(new ResilientTransport(server.url, quick)));
      assert.match(String(failure), /ResilientTransport speaks .* with sessions/);
      assert.deepEqual((failure as { data?: unknown }).data, {
        supported: ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
        requested: '2026-07-28',
      });
      assert.equal(server.requests.length, 0);
    });

    it('and takes it for one of the stateless era on the word of an earlier run is refused in the same words', async () => {
      await using server = await ScriptedServer.start();
      const client = versions('auto');
      const discover = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
      await client.connect(new ResilientTransport(server.url, quick), {
        prior: { kind: 'modern', discover },
      } as unknown as Parameters<ClientV2['connect']>[1]);
      assert.match(String(await failureOf(count(client))), /ResilientTransport speaks .* with sessions/);
      assert.equal(server.requests.length, 0);
      await client.close();
    });
  });
}
