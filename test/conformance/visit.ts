import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import type { OAuthPerson } from '../support/oauth-person.ts';
import {
  type ClientTransport,
  makeTransport,
  type TransportName,
  type TransportOptions,
} from './transport.ts';

/** Sign-ins that one step may ask for; a server that wants more is asking in a loop. */
const MAX_SIGN_INS = 5;

/** What a scenario is given: the server to visit, and its own facts, such as credentials. */
export interface Visit {
  readonly url: URL;
  readonly transport: TransportName;
  readonly context: Readonly<Record<string, unknown>>;
}

export interface VisitOptions extends TransportOptions {
  readonly client?: ClientOptions;
  /** Called with the client before it connects: request handlers go here. */
  readonly prepare?: (client: Client) => void;
}

/** Connects, does something, and closes, whatever came of it. */
export async function connectAnd(
  visit: Visit,
  options: VisitOptions,
  act: (client: Client, transport: ClientTransport) => Promise<unknown>,
): Promise<void> {
  const { client: clientOptions, prepare, ...transportOptions } = options;
  const client = new Client({ name: 'conformance', version: '1.0.0' }, clientOptions);
  prepare?.(client);
  const transport = makeTransport(visit.transport, visit.url, transportOptions);
  try {
    await client.connect(transport);
    await act(client, transport);
  } finally {
    await client.close();
  }
}

/**
 * The same with a person who signs in whenever that is asked for, as the SDK's documentation describes it: finish the
 * authorization on the transport that asked, then connect with a new one, or make the refused call again.
 */
export async function signInAnd(
  visit: Visit,
  person: OAuthPerson,
  ...steps: ((client: Client) => Promise<unknown>)[]
): Promise<void> {
  let signIns = 0;
  const signedIn = async (transport: ClientTransport, error: unknown) => {
    if (!person.isAsked || ++signIns > MAX_SIGN_INS) throw error;
    await transport.finishAuth(await person.signIn());
  };
  for (;;) {
    const client = new Client({ name: 'conformance', version: '1.0.0' });
    const transport = makeTransport(visit.transport, visit.url, { authProvider: person });
    try {
      try {
        await client.connect(transport);
      } catch (error) {
        await signedIn(transport, error);
        continue;
      }
      for (const step of steps)
        await untilDone(
          () => step(client),
          (error) => signedIn(transport, error),
        );
      return;
    } finally {
      await client.close();
    }
  }
}

async function untilDone(
  step: () => Promise<unknown>,
  onError: (error: unknown) => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      await step();
      return;
    } catch (error) {
      await onError(error);
    }
  }
}

/** A fact of the scenario that has to be there. */
export function textIn(visit: Visit, name: string): string {
  const value = visit.context[name];
  if (typeof value !== 'string') throw new Error(`the scenario's context has no ${name}`);
  return value;
}
