import * as vscode from 'vscode';
import { rows } from '../rows.ts';
import { builtIn, ours } from './clients.ts';
import { run as ask } from './run.ts';
import { Course, scenarios } from './scenarios.ts';

/** Called by the extension host. What could not be measured is told to the run; it decides what that means. */
export async function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  const { version, env } = vscode;
  await ask('editor', { version, appName: env.appName, node: process.versions.node });
  for (const client of [builtIn, ours]) {
    await client.start();
    for (const { id } of rows) await ask('connected', { row: id, client: client.id });
    await ask('print', { line: `${client.id}: connected to ${rows.length} servers` });
  }
  for (const { id } of rows) {
    for (const client of [builtIn, ours]) await measure(new Course(client, id));
  }
}

async function measure(course: Course): Promise<void> {
  const { key, keys } = course;
  try {
    await ask('begin', key);
    const facts = await scenarios[key.row](course);
    const wire = await ask('tally', { ...key, keys });
    await ask('measured', { ...key, facts, wire });
    await ask('print', { line: `  ${key.row}, ${key.client}` });
  } catch (error) {
    await ask('failed', { ...key, why: error instanceof Error ? error.message : String(error) });
  }
}
