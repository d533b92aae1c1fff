import { mayBeAsked } from '../../protocol/http/authorization-targets.ts';
import { type Evidence, type Finding, problem } from '../check.ts';
import { CLAUSES } from '../clauses.ts';
import type { Answer, Visit } from './visit.ts';

/** How many authorization servers are named. */
const MAX_SHOWN_SERVERS = 3;

/** What a server that wants authorization says of how to get it. */
export async function authorizationFinding(
  visit: Visit,
  answer: Answer,
  hasGiven: boolean,
  signal: AbortSignal,
  seen: (evidence: Evidence) => void,
): Promise<Finding> {
  const challenge = answer.headers.get('www-authenticate');
  const says = hasGiven
    ? `The server refused the credentials that it was given (${answer.status}).`
    : `The server wants authorization (${answer.status}), and none was given.`;
  const servers = await authorizationServers(visit, challenge, signal, seen);
  const named = servers.slice(0, MAX_SHOWN_SERVERS).map((each) => visit.redaction.clean(each));
  if (challenge === null && named.length === 0) {
    return problem(
      `${says} It does not say how to get it: there is no WWW-Authenticate header, and no metadata.`,
      {
        advice: 'Let the server name its protected resource metadata (RFC 9728) in WWW-Authenticate.',
        clause: CLAUSES.authorization,
      },
    );
  }
  const how = named.length > 0 ? ` Its authorization server is ${named.join(', ')}.` : '';
  return problem(`${says}${how}`, {
    advice: hasGiven
      ? 'Get a new token, and check that it is meant for this server.'
      : 'Give it a token, as the header Authorization: Bearer ….',
    clause: CLAUSES.authorization,
  });
}

/** The authorization servers that the metadata of the resource names (RFC 9728, section 3). */
async function authorizationServers(
  visit: Visit,
  challenge: string | null,
  signal: AbortSignal,
  seen: (evidence: Evidence) => void,
): Promise<readonly string[]> {
  const named = /resource_metadata="?([^",\s]+)/i.exec(challenge ?? '')?.[1];
  const { origin, pathname } = visit.url;
  const wellKnown = `${origin}/.well-known/oauth-protected-resource`;
  const places = named === undefined ? [`${wellKnown}${pathname.replace(/\/$/, '')}`, wellKnown] : [named];
  for (const place of places.filter((each) => isFit(each, visit.url))) {
    const found = await visit.fetchJson(place, 'GET protected resource metadata', signal, seen);
    const servers = (found as { authorization_servers?: unknown } | undefined)?.authorization_servers;
    if (Array.isArray(servers)) return servers.filter((each) => typeof each === 'string');
  }
  return [];
}

/** Where a server may send its visitor: to itself, or to an address that is encrypted and not in a network beside it. */
function isFit(place: string, server: URL): boolean {
  const url = URL.canParse(place) ? new URL(place) : undefined;
  if (!url || !mayBeAsked(server, url)) return false;
  return url.origin === server.origin || url.protocol === 'https:';
}
