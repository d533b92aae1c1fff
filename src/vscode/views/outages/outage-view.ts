import { type ServerSnapshot, worstConnection } from '../../../hub/snapshot.ts';
import { waitsForSignIn } from '../../text/server-status.ts';
import { english, type Translate } from '../../text/translate.ts';
import { maskTokens, plainText } from '../../text/untrusted-text.ts';

/** A server that can't be used until something happens outside: its recovery budget is used up. */
export interface Outage {
  readonly server: string;
  /** Why, as the connection has it; it may hold foreign text. */
  readonly reason: string | undefined;
  /** Whether no attempt helps before a person has given it other credentials. */
  readonly needsSignIn: boolean;
}

/** The buttons of the notification. */
export type OutageAct = 'reset' | 'diagnose' | 'settings' | 'sessions' | 'silence';

/** A notification of outages. Foreign text in it is plain. */
export interface OutageNotice {
  readonly text: string;
  readonly buttons: readonly { readonly label: string; readonly act: OutageAct }[];
}

/** The outage that a server is in; undefined while it heals, rests, or is paused. */
export function outageOf(server: ServerSnapshot): Outage | undefined {
  const connection = worstConnection(server);
  if (server.paused || connection?.status !== 'down') return undefined;
  return { server: server.name, reason: connection.trouble, needsSignIn: waitsForSignIn(connection) };
}

/** Whether an outage that there was is over: not while attempts are still being made. */
export function isOver(server: ServerSnapshot | undefined): boolean {
  return !server || server.paused || worstConnection(server)?.status === 'ready';
}

/** One notification for all outages that were seen together. */
export function outageNotice(outages: readonly Outage[], t: Translate = english): OutageNotice | undefined {
  const [first, ...more] = outages;
  if (!first) return undefined;
  const silence = { label: t('Don’t Show Again'), act: 'silence' } as const;
  if (more.length > 0) {
    const names = plainText(outages.map(({ server }) => server).join(', '));
    return {
      text: t('MCP: {0} servers are down: {1}.', outages.length, names),
      buttons: [{ label: t('Show Sessions'), act: 'sessions' }, silence],
    };
  }
  const [name, reason] = [plainText(first.server), sentence(first.reason)];
  const diagnose = { label: t('Diagnose'), act: 'diagnose' } as const;
  return first.needsSignIn
    ? {
        text: t(
          'MCP: {0} needs you to sign in, or needs other credentials in its settings. {1}',
          name,
          reason,
        ).trim(),
        buttons: [{ label: t('Open Settings'), act: 'settings' }, diagnose, silence],
      }
    : {
        text: t('MCP: {0} is down. Still retrying. {1}', name, reason).trim(),
        buttons: [{ label: t('Reset Session'), act: 'reset' }, diagnose, silence],
      };
}

function sentence(reason: string | undefined): string {
  if (reason === undefined) return '';
  const plain = plainText(maskTokens(reason));
  return /[.!?…]$/.test(plain) ? plain : `${plain}.`;
}
