import type { Fault, FaultKind } from '../../client/fault.ts';
import { english, type Translate } from '../text/translate.ts';

/** How long a server is made to be down, in ms. */
const DOWN_MS = 2000;

/** A fault that a person can have simulated. */
export interface FaultPick {
  readonly fault: Fault;
  readonly label: string;
  readonly detail: string;
}

/** The faults that can be simulated, with their labels. */
export function faultPicks(kinds: readonly FaultKind[], t: Translate = english): FaultPick[] {
  return ALL.filter((fault) => kinds.includes(fault.kind)).map((fault) => ({
    fault,
    ...wordsOf(fault.kind, t),
  }));
}

const ALL: readonly Fault[] = [
  { kind: 'lost-404' },
  { kind: 'lost-400' },
  { kind: 'cut' },
  { kind: 'refuse', forMs: DOWN_MS },
  { kind: 'kill' },
];

function wordsOf(kind: FaultKind, t: Translate): Pick<FaultPick, 'label' | 'detail'> {
  switch (kind) {
    case 'lost-404':
      return {
        label: t('Session Lost, Answered with 404'),
        detail: t('Ends the session at the server. The next request is answered with 404, as specified.'),
      };
    case 'lost-400':
      return {
        label: t('Session Lost, Answered with 400'),
        detail: t(
          'Ends the session at the server. The next request is answered with 400, as many servers do.',
        ),
      };
    case 'cut':
      return {
        label: t('Stream Cut Off'),
        detail: t('Cuts off the next response. The caller is told that its call may have run.'),
      };
    case 'refuse':
      return {
        label: t('Two Seconds Down'),
        detail: t('Keeps requests from the server for two seconds. Calls wait.'),
      };
    case 'kill':
      return {
        label: t('Process Killed'),
        detail: t('Kills the server’s program, as if it had crashed.'),
      };
  }
}

/** The kind of fault that a command was called with, as `{ fault: 'lost-404' }`; undefined: it has to be asked for. */
export function faultIn(argument: unknown): string | undefined {
  const fault =
    typeof argument === 'object' && argument !== null && 'fault' in argument ? argument.fault : undefined;
  return typeof fault === 'string' ? fault : undefined;
}
