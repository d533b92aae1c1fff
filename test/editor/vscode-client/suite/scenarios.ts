import type { FaultName } from '../measure-calls.ts';
import { PATIENCE_MS, type RowId, type ServerKey } from '../rows.ts';
import { Attempt, when } from './attempt.ts';
import type { MeasuredClient } from './clients.ts';
import { run } from './run.ts';

/** How long a list is waited for that a notification should have made a client ask for, in ms. */
const LIST_LIMIT_MS = 3_000;

/** One client in one row. Keeps the keys of the calls that were made. */
export class Course {
  readonly key: ServerKey;
  readonly client: MeasuredClient;
  readonly keys: string[] = [];

  constructor(client: MeasuredClient, row: RowId) {
    this.client = client;
    this.key = { row, client: client.id };
  }

  async spoil(fault: FaultName): Promise<void> {
    await run('spoil', { ...this.key, fault });
  }

  begin(key: string): Attempt {
    this.keys.push(key);
    return new Attempt(this.client, this.key.row, key);
  }

  /** Makes a call and waits for its end. */
  async call(key: string): Promise<string> {
    return (await this.begin(key).within(PATIENCE_MS)).words;
  }
}

/** What is done in each row, to either client. Returns what happened, in the order of time. */
export const scenarios: Readonly<Record<RowId, (course: Course) => Promise<string[]>>> = {
  forget404: (course) => oneCallAfter(course, 'forget-404'),
  forget400: (course) => oneCallAfter(course, 'forget-400'),
  twocalls: async (course) => {
    await course.spoil('forget-404');
    return Promise.all([course.call('call 1'), course.call('call 2')]);
  },
  away1s: async (course) => {
    await course.spoil('404-for-a-second');
    const first = await course.call('call');
    await run('faultOver', course.key);
    return [first, await course.call('next call')];
  },
  one503: async (course) => [...(await oneCallAfter(course, 'one-503')), await course.call('next call')],
  ran503: (course) => oneCallAfter(course, 'one-503-after-run'),
  params400: (course) => oneCallAfter(course, 'one-400'),
  ran400: (course) => oneCallAfter(course, 'one-400-after-run'),
  stream: lostStream,
  cutearly: restartDuringCall,
  cutlate: restartDuringCall,
  idle: goneWhileIdle,
};

async function oneCallAfter(course: Course, fault: FaultName): Promise<string[]> {
  await course.spoil(fault);
  return [await course.call('call')];
}

async function lostStream(course: Course): Promise<string[]> {
  await course.spoil('end-stream-and-forget');
  const again = await run('streamAgain', { ...course.key, withinMs: PATIENCE_MS });
  const facts = [inTime('a new stream', again), await listChanged(course)];
  return [...facts, await course.call('call'), await listChanged(course)];
}

async function listChanged(course: Course): Promise<string> {
  const { reached, listed } = await run('notify', { ...course.key, withinMs: LIST_LIMIT_MS });
  if (reached === 0) return 'a notification found no open stream';
  return `a notification was taken, the list was ${listed ? '' : 'not '}asked for`;
}

async function restartDuringCall(course: Course): Promise<string[]> {
  await course.spoil('hold-call');
  const call = course.begin('call');
  await run('callHeld', course.key);
  await course.spoil('restart');
  const first = await call.within(PATIENCE_MS);
  const next = await course.call('next call');
  if (first.isOver) return [first.words, next];
  return [first.words, next, (await call.within(PATIENCE_MS)).words];
}

async function goneWhileIdle(course: Course): Promise<string[]> {
  await course.spoil('go-away');
  const shown = await course.client.showsOfGone(course.key.row);
  await course.spoil('come-back');
  const again = await run('sessionAgain', { ...course.key, withinMs: PATIENCE_MS });
  return [shown, inTime('back again: a new session', again), await course.call('call')];
}

function inTime(what: string, ms: number | null): string {
  return ms === null ? `${what}: none within ${PATIENCE_MS / 1000} s` : `${what} ${when(ms)}`;
}
