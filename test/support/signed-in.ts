import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { isResilientMcpError, type ResilientMcpError, ResilientTransport } from '../../src/client/index.ts';
import { type Connected, type ConnectOptions, connected, quick } from './connected.ts';
import { OAuthPerson, type OAuthPersonOptions } from './oauth-person.ts';
import { OAuthServer, type OAuthServerOptions } from './oauth-server.ts';
import type { RequestRecord } from './scripted/request.ts';
import { ScriptedServer, type ScriptedServerOptions } from './scripted-server.ts';

export interface GuardedOptions extends OAuthServerOptions {
  readonly server?: ScriptedServerOptions;
  readonly person?: OAuthPersonOptions;
  /** The scopes that a request needs. Default none. */
  readonly wants?: (request: RequestRecord) => readonly string[];
}

/** A server that lets only bearers of good tokens in, its authorization server, and a person who may sign in. */
export interface Guarded extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly oauth: OAuthServer;
  readonly person: OAuthPerson;
  /** Tries to connect, and gives the error and the transport that asked for a sign-in. */
  refused(options?: ConnectOptions): Promise<{ transport: ResilientTransport; error: ResilientMcpError }>;
  /** Has the person sign in, and connects. */
  signedIn(options?: ConnectOptions): Promise<Connected>;
}

export async function guarded(options: GuardedOptions = {}): Promise<Guarded> {
  const server = await ScriptedServer.start(options.server);
  const oauth = await OAuthServer.start(server.url, options);
  oauth.protect(server, options.wants);
  const person = new OAuthPerson(options.person);
  const refused: Guarded['refused'] = async (given = {}) => {
    const transport = new ResilientTransport(server.url, { ...quick, ...given, authProvider: person });
    const error = await new Client({ name: 'scenario', version: '1.0.0' }).connect(transport).catch((e) => e);
    assert.ok(isResilientMcpError(error), String(error));
    return { transport, error };
  };
  return {
    server,
    oauth,
    person,
    refused,
    async signedIn(given = {}) {
      // What a scenario does with an authorization server that is slow is not for the sign-in before it.
      const { authorizationTimeoutMs: _, ...signingIn } = given;
      const { transport } = await refused(signingIn);
      await transport.finishAuth(await person.signIn());
      return connected(server.url, { ...given, authProvider: person });
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await oauth.close();
    },
  };
}
