import { isSecretName } from '../../base/secret-names.ts';
import { isErrorResponse } from '../../protocol/message.ts';
import { type Finding, note, ok, problem, skipped } from '../check.ts';
import { type NetworkEdge, Way } from '../network.ts';
import { withoutQueries } from '../redaction.ts';
import type { Check, Plan } from '../run.ts';
import { toolsFinding } from '../tools.ts';
import { Handshake } from './handshake.ts';
import { endFinding, honouredFinding, unknownFinding } from './session.ts';
import { resumptionFinding, streamFinding } from './streams.ts';
import { type HttpTarget, NoAnswer, Visit, type VisitEdge } from './visit.ts';

/** What checks of an HTTP server need of the world. */
export interface HttpEdge extends VisitEdge {
  readonly network: NetworkEdge;
}

/** The checks of a server that speaks Streamable HTTP. */
export function httpPlan(target: HttpTarget, edge: HttpEdge, product: string): Plan {
  const visit = new Visit(target, edge);
  const way = new Way(visit.url, edge.network, edge.clock);
  const handshake = new Handshake(visit, way, { name: 'resilient-mcp doctor', version: product });
  const check = (id: Check['id'], title: string, look: Check['look']): Check => ({
    id,
    title,
    look: (signal, seen) => look(signal, seen).catch(notAnswered),
  });
  /** One that needs a session, or at least a handshake. */
  const inside = (id: Check['id'], title: string, look: Check['look']): Check =>
    check(id, title, async (signal, seen) =>
      handshake.because === undefined ? look(signal, seen) : skipped(handshake.because),
    );
  return {
    server: { name: target.name, type: 'http', target: `${visit.url.origin}${visit.url.pathname}` },
    checks: [
      check('configuration', 'Configuration', async () => configurationFinding(target)),
      ...way.checks,
      check('http', 'HTTP status', (...given) => handshake.status(...given)),
      check('authorization', 'Authorization', (...given) => handshake.authorization(...given)),
      check('initialize', 'Handshake', (...given) => handshake.initialized(...given)),
      check('era', 'Sessions', (...given) => handshake.era(...given)),
      inside('session', 'Session kept', (...given) => honouredFinding(visit, ...given)),
      inside('unknown-session', 'Unknown session', (...given) => unknownFinding(visit, ...given)),
      inside('stream', "Server's own stream", (...given) => streamFinding(visit, ...given)),
      inside('resumption', 'Resumption', (...given) => resumptionFinding(visit, ...given)),
      inside('tools', 'Tools', (signal, seen) =>
        handshake.offers('tools')
          ? toolsOf(visit, signal, seen)
          : Promise.resolve(ok('The server offers no tools.')),
      ),
      inside('end', 'End of the session', (...given) => endFinding(visit, ...given)),
    ],
    revised: () => (handshake.hasAnswered ? way.revised : new Map()),
    leave: async (signal) => {
      const sessionId = visit.agreed?.sessionId;
      if (sessionId === undefined) return;
      await visit.ask({ verb: 'DELETE', sessionId }, signal, () => {}).catch(() => {});
    },
  };
}

function configurationFinding({ url, headers }: HttpTarget): Finding {
  const names = Object.keys(headers);
  const { protocol, hostname } = new URL(url);
  const isLocal = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  const says = `${withoutQueries(url)}${names.length > 0 ? `, with the headers ${names.join(', ')}` : ''}.`;
  const secret = names.find(isSecretName);
  return protocol === 'http:' && !isLocal && secret !== undefined
    ? note(`${says} The value of ${secret} is sent without encryption.`, { advice: 'Use https://.' })
    : ok(says);
}

function toolsOf(visit: Visit, signal: AbortSignal, seen: Parameters<Check['look']>[1]): Promise<Finding> {
  return toolsFinding(async (cursor) => {
    const message = visit.request('tools/list', cursor === undefined ? {} : { cursor });
    const sessionId = visit.agreed?.sessionId;
    const { response, status } = await visit.ask({ verb: 'POST', message, sessionId }, signal, seen);
    if (!response) return `status ${status}, and no response`;
    return isErrorResponse(response)
      ? visit.redaction.clean(`${response.error.code} ${response.error.message}`)
      : response.result;
  });
}

/** It answered a moment ago, or there would be no such check. */
function notAnswered(error: unknown): Finding {
  if (!(error instanceof NoAnswer)) throw error;
  return problem(`No answer came: ${error.message}.`, {
    advice: 'The server answered before. Has it ended, or closed the connection?',
  });
}
