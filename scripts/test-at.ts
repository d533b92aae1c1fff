// Runs the test at a line of a file, or all tests of the file, in this process, so that a debugger is attached to it:
//
//   node scripts/test-at.ts test/protocol/verdict.test.ts [42]
//
// At a line between two tests, or of a hook, it runs the block around it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { titleAt } from './test-title.ts';

const [file, line] = process.argv.slice(2);
if (file === undefined) throw new Error('Usage: node scripts/test-at.ts <file> [line]');
const title = line === undefined ? undefined : titleAt(readFileSync(file, 'utf8'), Number(line));
// A person at a breakpoint takes longer than any limit of a test.
const options = ['--timeout', '0', ...(title === undefined ? [] : ['--grep', title])];
process.argv.splice(2, Infinity, ...options, file);
await import(join(import.meta.dirname, '../node_modules/mocha/bin/mocha.js'));
