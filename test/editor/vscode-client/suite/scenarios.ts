import { setTimeout as delay } from 'node:timers/promises';
import type { Fact, FaultName, RequestKey } from '../measure-calls.ts';
import { PATIENCE_MS, type RowId, type ServerKey } from '../rows.ts';
import { type Attempt, when } from './attempt.ts';
import type { MeasuredClient } from './clients.ts';
import { run } from './run.ts';

/** How long a list is waited for that a notification should have made a client ask for, in ms. */
const LIST_LIMIT_MS = 3_000;
/** How long a server is gone while a call waits, in ms. */
const DOWN_MS = 2_000;

/** One client in one row. Keeps the keys of the requests that were made. */
export class Course {
  readonly key: ServerKey;
  readonly client: MeasuredClient;
  readonly requests: RequestKey[] = [];

  constructor(client: MeasuredClient, row: RowId) {
    this.client = client;
    this.key = { row, client: client.id };
  }

  async spoil(fault: FaultName): Promise<void> {
    await run('spoil', { ...this.key, fault });
  }

  /** Begins a request: a call, unless it is said otherwise. */
  begin(key: string, kind: 'call' | 'read' | 'take' = 'call'): Attempt {
    const attempt = this.client[kind](this.key.row, key);
    this.requests.push(attempt.request);
    return attempt;
  }

  /** Makes a request and waits for its end. */
  async made(key: string, kind?: 'call' | 'read' | 'take'): Promise<Fact> {
    return this.begin(key, kind).within(PATIENCE_MS);
  }
}

/** What is done in each row, to either client. Returns what happened, in the order of time. */
export const scenarios: Readonly<Record<RowId, (course: Course) => Promise<Fact[]>>> = {
  forget404: (course) => oneCallAfter(course, 'forget-404'),
  forget400: (course) => oneCallAfter(course, 'forget-400'),
  forget500: async (course) => [
    ...(await oneCallAfter(course, 'forget-500')),
    await course.made('next call'),
  ],
  error200: async (course) => [...(await oneCallAfter(course, 'forget-200')), await course.made('next call')],
  twocalls: async (course) => {
    await course.spoil('forget-404');
    return Promise.all([course.made('call 1'), course.made('call 2')]);
  },
  resource: async (course) => {
    await course.spoil('forget-404');
    return [await course.made('reading', 'read'), await course.made('next reading', 'read')];
  },
  prompt: async (course) => {
    await course.client.typePrompt(course.key.row);
    await course.spoil('forget-404');
    const first = await course.made('prompt', 'take');
    await course.client.typePrompt(course.key.row);
    return [first, await course.made('next prompt', 'take')];
  },
  away1s: async (course) => {
    await course.spoil('404-for-a-second');
    const first = await course.made('call');
    await run('faultOver', course.key);
    return [first, await course.made('next call')];
  },
  one503: async (course) => [...(await oneCallAfter(course, 'one-503')), await course.made('next call')],
  ran503: (course) => oneCallAfter(course, 'one-503-after-run'),
  params400: (course) => oneCallAfter(course, 'one-400'),
  ran400: (course) => oneCallAfter(course, 'one-400-after-run'),
  stream: lostStream,
  resumable: (course) => oneCallAfter(course, 'cut-answer'),
  cutearly: restartDuringCall,
  cutlate: restartDuringCall,
  down: callWhileDown,
  idle: goneWhileIdle,
  frozen: frozenDuringCall,
};

async function oneCallAfter(course: Course, fault: FaultName): Promise<Fact[]> {
  await course.spoil(fault);
  return [await course.made('call')];
}

async function lostStream(course: Course): Promise<Fact[]> {
  await course.spoil('end-stream-and-forget');
  const again = await run('streamAgain', { ...course.key, withinMs: PATIENCE_MS });
  const facts = [inTime('a new stream', again), await listChanged(course)];
  return [...facts, await course.made('call'), await listChanged(course)];
}

async function listChanged(course: Course): Promise<Fact> {
  const { reached, listed } = await run('notify', { ...course.key, withinMs: LIST_LIMIT_MS });
  if (reached === 0) return { words: 'a notification found no open stream', notified: false };
  const words = `a notification was taken, the list was ${listed ? '' : 'not '}asked for`;
  return { words, notified: listed };
}

async function restartDuringCall(course: Course): Promise<Fact[]> {
  await course.spoil('hold-call');
  const call = course.begin('call');
  await run('callHeld', course.key);
  await course.spoil('restart');
  const first = await call.within(PATIENCE_MS);
  const next = await course.made('next call');
  if (first.ended.how !== 'pending') return [first, next];
  // What it is by now is how it ended; the first fact stands for how long that took.
  return [{ words: first.words }, next, await call.within(PATIENCE_MS)];
}

async function callWhileDown(course: Course): Promise<Fact[]> {
  await course.spoil('go-away');
  const call = course.begin('call');
  await delay(DOWN_MS);
  await course.spoil('come-back');
  return [await call.within(PATIENCE_MS), await course.made('next call')];
}

async function goneWhileIdle(course: Course): Promise<Fact[]> {
  await course.spoil('go-away');
  const shown = await course.client.showsOfGone(course.key.row);
  await course.spoil('come-back');
  const again = await run('sessionAgain', { ...course.key, withinMs: PATIENCE_MS });
  const back = inTime('back again: a new session', again);
  return [shown, back, await course.made('call'), await listChanged(course)];
}

async function frozenDuringCall(course: Course): Promise<Fact[]> {
  await course.spoil('freeze');
  const call = course.begin('call');
  const shown = await course.client.showsOfGone(course.key.row);
  const meanwhile = await call.within(0);
  await course.spoil('thaw');
  return [shown, { words: meanwhile.words }, await call.within(PATIENCE_MS)];
}

function inTime(what: string, ms: number | null): Fact {
  return { words: ms === null ? `${what}: none within ${PATIENCE_MS / 1000} s` : `${what} ${when(ms)}` };
}
