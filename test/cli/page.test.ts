import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { attach } from '../../src/cli/attach/command.ts';
import { bridge } from '../../src/cli/bridge/command.ts';
import type { Command } from '../../src/cli/command.ts';
import { gateway } from '../../src/cli/gateway/command.ts';
import { protect, unprotect } from '../../src/cli/protect/command.ts';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

/** The rows of the table of options under a heading: option, meaning, default. */
function rowsOf(command: string): Map<string, { meaning: string; value: string }> {
  const [, section = ''] = page.split(`## \`resilient-mcp ${command}\`\n`);
  const [table = ''] = section.split(/^## /m);
  const rows = [...table.matchAll(/^\| `(--.+?)` \| (.+) \| (.*)\|$/gm)];
  return new Map(
    rows.map(([, option = '', meaning = '', value = '']) => [option, { meaning, value: value.trim() }]),
  );
}

/** The options in a help, each with the default that it names. */
function optionsOf({ usage }: Command): Map<string, string | undefined> {
  const found = usage.matchAll(/^ {2}(--.+?) {2,}(\S[\s\S]*?)(?=^ {2}--|^$)/gm);
  return new Map(
    [...found].map(([, option = '', words = '']) => {
      const text = words.replaceAll(/\s+/g, ' ');
      return [option, /Default: (.+?)\.$| Default (.+?)\.(?: |$)/.exec(text.trim())?.slice(1).find(Boolean)];
    }),
  );
}

/** What is the same in each command, and says nothing of it. */
const common = ['--help', '--version'];

const commands = { bridge, attach, gateway, protect, unprotect };

describe('docs/cli.md', () => {
  for (const [name, command] of Object.entries(commands)) {
    it(`has every option of ${name}, in the order of its help, with the default that it names`, () => {
      const options = optionsOf(command);
      const rows = rowsOf(name);
      assert.ok(options.size >= 4);
      assert.deepEqual(
        [...rows.keys()],
        [...options.keys()].filter((option) => !common.includes(option)),
      );
      const fewest = name.endsWith('protect') ? 0 : 3;
      assert.ok([...options.values()].filter((value) => value !== undefined).length >= fewest);
      for (const [option, value] of options) {
        if (value !== undefined) assert.equal(rows.get(option)?.value.replaceAll('`', ''), value, option);
      }
    });
  }

  it('names no option that none has', () => {
    const known = new Set(
      Object.values(commands).flatMap((each) =>
        [...optionsOf(each).keys()].map((option) => option.split(' ')[0]),
      ),
    );
    for (const [option] of page.matchAll(/--[a-z][a-z-]*/g)) assert.ok(known.has(option), option);
  });
});
