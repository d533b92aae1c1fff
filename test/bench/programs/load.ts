// The source of load for the servers: a raw keep-alive agent, the same for all of them.
import { answerQuestions } from '../program.ts';
import { byAgent, RawSession } from './raw-session.ts';
import { type Load, timed } from './timed.ts';

const post = byAgent();

interface Sessions {
  readonly url: string;
  readonly ids: readonly string[];
}

const handlers = {
  /** Opens sessions. */
  async open({ url, ...load }: Load & { readonly url: string }) {
    const ids: string[] = [];
    const { perSecond } = await timed(load, async (index) => {
      ids[index] = (await RawSession.open(post, url)).sessionId;
    });
    return { ids, perSecond };
  },
  /** Calls in sessions that are open, each worker in one of its own. */
  calls({ url, ids, ...load }: Load & Sessions) {
    const sessions = ids.map((id) => new RawSession(post, url, id));
    return timed(load, async (index, worker) => sessions[worker % sessions.length]?.call(`call ${index}`));
  },
  /** One call in each session, one after the other. */
  callOnceEach({ url, ids }: Sessions) {
    const sessions = ids.map((id) => new RawSession(post, url, id));
    return timed({ count: ids.length, inFlight: 1 }, async (index) => sessions[index]?.call(`call ${index}`));
  },
  /** Opens a session and calls in it, one after the other. */
  openAndCall({ url, count }: { readonly url: string; readonly count: number }) {
    return timed({ count, inFlight: 1 }, async (index) =>
      (await RawSession.open(post, url)).call(`call ${index}`),
    );
  },
};

export type LoadProgram = typeof handlers;
answerQuestions(handlers);
