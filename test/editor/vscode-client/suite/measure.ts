import type { Measurement } from '../measure-calls.ts';
import type { ServerKey } from '../rows.ts';
import { MeasuredClient } from './clients.ts';
import { run } from './run.ts';
import { Course, scenarios } from './scenarios.ts';

/** Does to one client what the row says, and tells what came of it. */
export async function measured({ row, client }: ServerKey): Promise<Measurement> {
  const course = new Course(new MeasuredClient(client), row);
  const { key, requests } = course;
  await run('begin', key);
  const facts = await scenarios[row](course);
  const wire = await run('tally', { ...key, keys: requests });
  return { ...key, facts, wire };
}
