// publint, over what npm would pack, without its two complaints of `main`: that is the editor's way into the bundle,
// which npm does not ship, and which Node.js never looks at beside `exports`.
import { readFileSync } from 'node:fs';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const { messages } = await publint({ strict: true });
const problems = messages.filter(({ code, path }) => {
  const ofMain =
    code === 'EXPORTS_MISSING_ROOT_ENTRYPOINT' || (code === 'FILE_NOT_PUBLISHED' && path[0] === 'main');
  return !ofMain;
});

for (const problem of problems)
  console.error(`${problem.type}: ${formatMessage(problem, manifest, { color: false })}`);
if (problems.length > 0) process.exitCode = 1;
else console.log(`${Object.keys(manifest.exports).length} exports are in order.`);
