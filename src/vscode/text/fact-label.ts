import type { HubFact, NumberedFact } from '../../hub/facts.ts';
import { durationLabel } from './time-label.ts';
import { english, type Translate } from './translate.ts';
import { maskTokens, plainText } from './untrusted-text.ts';

type AnyFact = HubFact['fact'];

/**
 * What happened, as one sentence without an end mark; the generation it is about is told beside it. What a server wrote
 * is in it as plain text, ids and tokens cut.
 */
export function factLabel(fact: AnyFact, t: Translate = english): string {
  const words: ((fact: never, t: Translate) => string) | undefined = WORDS[fact.kind];
  // A fact of a newer kind than this table is still shown.
  return words ? words(fact as never, t) : fact.kind;
}

const WORDS: { readonly [Kind in AnyFact['kind']]: (fact: FactOf<Kind>, t: Translate) => string } = {
  sessionOpened: ({ durationMs }, t) => t('Session opened in {0}', durationLabel(durationMs, t)),
  sessionResumed: (_, t) => t('Existing session resumed'),
  sessionLost: ({ evidence }, t) => t('Session lost: {0}', foreign(evidence)),
  sessionReplaced: ({ cause, durationMs }, t) =>
    t('New session after {0}: {1}', durationLabel(durationMs, t), foreign(cause)),
  sessionEnded: ({ outcome }, t) => endedLabel(outcome, t),
  serverUnavailable: ({ reason }, t) => t('Server does not answer: {0}', foreign(reason)),
  serverAnswered: ({ outageMs }, t) =>
    t('Server answers again after {0}, on the same session', durationLabel(outageMs, t)),
  attemptFailed: ({ attempt, reason, waitMs }, t) =>
    t('Attempt {0} failed, next in {1}: {2}', attempt, durationLabel(waitMs, t), foreign(reason)),
  connectionDown: ({ reason }, t) => t('Connection down: {0}', foreign(reason)),
  connectionClosed: (_, t) => t('Connection closed'),
  connectionPaused: (_, t) => t('Paused'),
  connectionResumed: (_, t) => t('Resumed'),
  handshakeRefused: ({ reason, waitMs }, t) =>
    t('Handshake failed, next attempt in {0}: {1}', durationLabel(waitMs, t), foreign(reason)),
  resetRequested: (_, t) => t('Reset requested'),
  stateRestored: restoredLabel,
  requestAnswered: (fact, t) =>
    fact.error === undefined
      ? t('{0} answered in {1}', requestName(fact), durationLabel(fact.durationMs, t))
      : t(
          '{0} answered with error {1} in {2}',
          requestName(fact),
          fact.error,
          durationLabel(fact.durationMs, t),
        ),
  requestReplayed: (fact, t) => t('{0} sent again: {1}', requestName(fact), foreign(fact.because)),
  requestFailed: (fact, t) => t('{0} failed ({1}): {2}', requestName(fact), fact.code, foreign(fact.reason)),
  requestCancelled: (fact, t) => t('{0} cancelled', requestName(fact)),
  exchangeFailed: ({ method = 'message', tool, reason }, t) =>
    t('{0} got no result: {1}', requestName({ method, tool }), foreign(reason)),
  outcomeUnknown: (fact, t) => t('{0} may or may not have run: {1}', requestName(fact), foreign(fact.reason)),
  streamOpened: (_, t) => t('Event stream opened'),
  streamEnded: ({ reason }, t) => t('Event stream ended: {0}', foreign(reason)),
  streamNotOffered: ({ status }, t) => t('Server offers no event stream (status {0})', status),
  serverChanged: ({ what }, t) => t('Server has changed: {0}', foreign(what.join(', '))),
  serverWrote: ({ text }, t) => t('Server output: {0}', foreign(text)),
  toolsListed: ({ tools }, t) => (tools === 1 ? t('1 tool listed') : t('{0} tools listed', tools)),
  toolsNotListed: ({ reason }, t) => t('Tools could not be listed: {0}', foreign(reason)),
};

type FactOf<Kind extends AnyFact['kind']> = Extract<AnyFact, { kind: Kind }>;

/** The method of a request, and for a call of a tool the tool. */
function requestName({
  method,
  tool,
}: {
  readonly method: string;
  readonly tool: string | undefined;
}): string {
  return foreign(tool === undefined ? method : `${method} ${tool}`);
}

function endedLabel(outcome: FactOf<'sessionEnded'>['outcome'], t: Translate): string {
  switch (outcome) {
    case 'deleted':
    case 'closed':
      return t('Session ended');
    case 'not offered':
      return t('Session left open: the server does not support ending it');
    case 'already gone':
      return t('Session had already ended');
    case 'failed':
      return t('Session could not be ended at the server');
  }
}

function restoredLabel({ logLevel, subscriptions, failed }: FactOf<'stateRestored'>, t: Translate): string {
  const parts = [
    ...(logLevel === undefined ? [] : [t('log level {0}', foreign(logLevel))]),
    ...(subscriptions === 1 ? [t('1 subscription')] : []),
    ...(subscriptions > 1 ? [t('{0} subscriptions', subscriptions)] : []),
    ...(failed > 0 ? [t('{0} not accepted', failed)] : []),
  ];
  return t('Restored on the new session: {0}', parts.join(', '));
}

const foreign = (text: string): string => plainText(maskTokens(text));

/** Too frequent, and of too little weight, for a list of the latest. */
const NO_NEWS: ReadonlySet<string> = new Set([
  'exchangeFailed',
  'requestAnswered',
  'serverWrote',
  'streamOpened',
  'streamEnded',
  'streamNotOffered',
]);

/** Whether a fact appears in lists of the latest events. */
export function isNews({ fact }: NumberedFact): boolean {
  return !NO_NEWS.has(fact.kind);
}

/** The latest news of each server, by its name. */
export function latestNews(facts: readonly NumberedFact[]): ReadonlyMap<string, NumberedFact> {
  return new Map(facts.filter(isNews).map((fact) => [fact.server, fact]));
}
