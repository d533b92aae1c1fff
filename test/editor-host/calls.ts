/**
 * Calls between the processes of a test run: a table of names, each with what is asked and what is answered, carried
 * by HTTP on loopback. The suite in the extension host is the caller.
 */

/** A table of calls. `answer` is plain JSON; null where there is nothing to say. */
export type CallTable<Calls> = { readonly [Name in keyof Calls]: { ask: unknown; answer: unknown } };

/** What carries out the calls of a table. */
export type Handlers<Calls extends CallTable<Calls>> = {
  readonly [Name in keyof Calls]: (ask: Calls[Name]['ask']) => Promise<Calls[Name]['answer']>;
};

/** Makes one call. Rejects with the message of the error that the other side met. */
export type Caller<Calls extends CallTable<Calls>> = <Name extends keyof Calls & string>(
  name: Name,
  ask: Calls[Name]['ask'],
) => Promise<Calls[Name]['answer']>;

/** How long one call may take, in ms. Every wait on the other side is shorter. */
const CALL_LIMIT_MS = 120_000;

/** The caller of an endpoint. The address holds the endpoint's secret. */
export function callerOf<Calls extends CallTable<Calls>>(address: string): Caller<Calls> {
  return async (name, ask) => {
    const response = await fetch(new URL(name, address), {
      method: 'POST',
      body: JSON.stringify(ask),
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer as Calls[typeof name]['answer'];
    throw new Error(`${name}: ${String(answer)}`);
  };
}
