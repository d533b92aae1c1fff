import type { NumberedFact } from '../../fleet/fact-history.ts';
import type { ResetOutcome } from '../../fleet/fleet.ts';
import { type FleetSnapshot, type ServerSnapshot, worstConnection } from '../../fleet/snapshot.ts';
import { factWords } from './fact-words.ts';
import { plainText, withoutSecrets } from './foreign-text.ts';
import { isNews } from './news.ts';
import { refusedWords } from './refused-words.ts';
import { statusWords } from './status-words.ts';
import { english } from './translate.ts';

/** How many facts of each server an agent is told. */
const MAX_FACTS = 3;

/**
 * The state of the sessions as JSON, for an agent: in English, since a model reads it, and without addresses, whole
 * session ids, or anything that looks like a secret.
 *
 * @param server the only one to tell of; undefined: all
 */
export function sessionsForAgent(
  { at: now, servers }: FleetSnapshot,
  events: readonly NumberedFact[],
  server?: string,
): string {
  const told = servers.filter(({ name }) => server === undefined || name === server);
  return JSON.stringify({ servers: told.map((each) => stateOf(each, events, now)) });
}

function stateOf(server: ServerSnapshot, events: readonly NumberedFact[], now: number) {
  const { name, type, clients, connection: own, latency } = server;
  const connection = worstConnection(server);
  const all = [own, ...clients.map((each) => each.connection)];
  const sum = (count: (each: typeof own) => number) => all.reduce((total, each) => total + count(each), 0);
  return {
    name,
    type,
    state: connection ? statusWords(connection, english) : 'starts when used',
    generation: connection?.generation,
    stateless: connection?.stateless || undefined,
    sessionAgeSeconds: seconds(connection?.sessionOpenedAt, now),
    trouble: connection?.trouble && plainText(withoutSecrets(connection.trouble)),
    code: connection?.failure,
    nextAttemptInSeconds: seconds(now, connection?.nextAttemptAt),
    advice: adviceFor(server),
    refused: refusedWords(server.refused, english),
    recoveries: sum((each) => each.recoveries),
    requestsSentAgain: sum((each) => each.replays),
    p50Ms: rounded(latency.p50Ms),
    p95Ms: rounded(latency.p95Ms),
    latestFacts: events
      .filter((fact) => fact.server === name && isNews(fact))
      .slice(-MAX_FACTS)
      .map(({ at, fact }) => `${new Date(at).toISOString()} ${factWords(fact)}`),
  };
}

function adviceFor(server: ServerSnapshot): string | undefined {
  const connection = worstConnection(server);
  if (server.paused) return 'The user has paused this server. Only the user can resume it.';
  if (connection?.status !== 'down') return undefined;
  return connection.failure === 'UNAUTHORIZED'
    ? 'The user has to sign in, or to give the server other credentials.'
    : 'Attempts go on in the background. The user can run "MCP: Diagnose Server".';
}

/** The words of a reset, for an agent. */
export function resetForAgent(outcome: ResetOutcome): string {
  const { server } = outcome;
  if (!outcome.ok) {
    const advice = outcome.advice === undefined ? '' : ` ${outcome.advice}`;
    return `No new session for ${JSON.stringify(server)}: ${plainText(withoutSecrets(outcome.reason))}.${advice}`;
  }
  if (!outcome.connection) return `${JSON.stringify(server)} has no session; it starts when it is used.`;
  const { generation, stateless } = outcome.connection;
  return `${JSON.stringify(server)} has a new session (${stateless ? 'stateless' : `generation ${generation}`}).`;
}

function seconds(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.max(0, Math.round((to - from) / 1000));
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10;
}
