// Names every promise that nobody waits for: its failure would be an unhandled rejection, which ends a process.
import { join } from 'node:path';
import { floatingPromises } from './floating-promises.ts';

const root = join(import.meta.dirname, '..');
const projects = ['src', 'src/webview', 'test'].map((folder) => `${folder}/tsconfig.json`);
const found = floatingPromises(root, [...projects, 'tsconfig.tools.json']);
for (const { file, line, text } of found)
  console.error(`${file}:${line}: a promise that nobody waits for: ${text}`);
if (found.length > 0) process.exitCode = 1;
else console.log('Every promise is waited for, handled, or marked as left alone by void.');
