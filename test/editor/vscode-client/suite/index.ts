import * as vscode from 'vscode';
import { clients, rows, type ServerKey } from '../rows.ts';
import { startAll } from './clients.ts';
import { measured } from './measure.ts';
import { run as ask } from './run.ts';

/** Called by the extension host. What could not be measured is told to the run; it decides what that means. */
export async function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  const { version, env } = vscode;
  await ask('editor', { version, appName: env.appName, node: process.versions.node });
  const keys = rows.flatMap(({ id }) => clients.map((client) => ({ row: id, client: client.id })));
  await startAll(keys);
  for (const key of keys) await ask('connected', key);
  await ask('print', { line: `connected to ${keys.length} servers` });
  for (const key of keys) await measure(key);
}

async function measure(key: ServerKey): Promise<void> {
  try {
    await ask('measured', await measured(key));
    await ask('print', { line: `  ${key.row}, ${key.client}` });
  } catch (error) {
    await ask('failed', { ...key, why: error instanceof Error ? error.message : String(error) });
  }
}
