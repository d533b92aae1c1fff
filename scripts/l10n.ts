// Writes the messages of the sources into l10n/bundle.l10n.json, puts every translation into the same order, takes out
// of it what no source says any more, and tells what is still to be translated. Fails when there is something.
//
//   npm run l10n
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, readBundle, translationProblems, translations } from './messages.ts';

const root = join(import.meta.dirname, '..');

function write(file: string, texts: Bundle): void {
  const [before, after] = [readBundle(root, file), texts].map(
    (each) => `${JSON.stringify(each, undefined, 2)}\n`,
  );
  if (after !== undefined && before !== after) writeFileSync(join(root, file), after);
}

for (const { file, texts, translated } of translations(root)) {
  write(file, texts);
  console.log(`${file}: ${Object.keys(texts).length} texts`);
  for (const other of translated) {
    const before = readBundle(root, other);
    const kept = Object.keys(texts).flatMap((key) => {
      const translation = before[key];
      return translation === undefined ? [] : [[key, translation] as const];
    });
    write(other, Object.fromEntries(kept));
    const problems = translationProblems(texts, Object.fromEntries(kept));
    console.log(`${other}: ${kept.length} of them`);
    for (const problem of problems) console.error(`${other}: ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
}
