import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../src/vscode/commands/command-ids.ts';

interface Step {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly media: { readonly svg: string; readonly altText: string };
  readonly completionEvents: readonly string[];
}

interface Setting {
  readonly markdownDescription?: string;
  readonly enum?: readonly unknown[];
  readonly enumDescriptions?: readonly string[];
  readonly properties?: Readonly<Record<string, Setting>>;
  readonly additionalProperties?: Setting | boolean;
  readonly items?: Setting;
}

const root = join(import.meta.dirname, '../..');
const { contributes } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const texts: Record<string, string> = JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8'));
const words = (key = '') => texts[key.replaceAll('%', '')] ?? '';

/** Commands of the editor, and those that it makes of our views. */
const EDITOR_COMMANDS = ['workbench.action.openSettings', 'resilientMcp.sessions.focus'];

function commandsIn(text: string): string[] {
  return [...text.matchAll(/\(command:([\w.]+)[^)]*\)/g)].map(([, command]) => command ?? '');
}

describe('the walkthrough', () => {
  const [{ steps }]: [{ steps: readonly Step[] }] = contributes.walkthroughs;

  it('has four steps, the first of which protects a server', () => {
    assert.equal(steps.length, 4);
    assert.ok(commandsIn(words(steps[0]?.description)).includes(COMMANDS.protectServer));
  });

  for (const { id, title, description, media, completionEvents } of steps) {
    describe(`step ${id}`, () => {
      it('says what it is about, and offers only commands that there are', () => {
        assert.ok(words(title) && words(description) && words(media.altText));
        const offered = commandsIn(words(description));
        const known: string[] = [...Object.values(COMMANDS), ...EDITOR_COMMANDS];
        assert.ok(offered.length > 0);
        assert.deepEqual(
          offered.filter((command) => !known.includes(command)),
          [],
        );
      });

      it('is done when something is done that it speaks of', () => {
        const ids: string[] = [
          ...Object.values(COMMANDS),
          'resilientMcp.hasServers',
          'resilientMcp.sessions',
        ];
        const named = completionEvents.map((event) => /^on(?:Command|Context|View):(.*)$/.exec(event)?.[1]);
        assert.ok(named.length > 0 && named.every((name) => ids.includes(name ?? '')), named.join());
      });

      it('has a picture in the colours of the theme, which loads nothing', () => {
        const svg = readFileSync(join(root, media.svg), 'utf8');
        assert.doesNotMatch(svg, /<(script|image|foreignObject)|href|url\(/);
        const colours = [...svg.matchAll(/ (?:fill|stroke)="([^"]*)"/g)].map(([, colour]) => colour ?? '');
        assert.ok(colours.length > 5);
        assert.deepEqual(
          colours.filter((colour) => !/^(none$|var\(--vscode-)/.test(colour)),
          [],
        );
      });
    });
  }
});

describe('the welcome of the view of sessions', () => {
  it('leads to the first server by a button, to the settings and to the walkthrough', () => {
    const [welcome] = contributes.viewsWelcome;
    const offered = commandsIn(words(welcome.contents));
    assert.deepEqual(offered, [
      COMMANDS.protectServer,
      'workbench.action.openSettings',
      'workbench.action.openWalkthrough',
    ]);
    const [walkthrough] = contributes.walkthroughs;
    assert.ok(
      words(welcome.contents).includes(encodeURIComponent(`"resilient-mcp.resilient-mcp#${walkthrough.id}"`)),
    );
  });
});

describe('the settings', () => {
  const categories: { title: string; order: number; properties: Record<string, Setting> }[] =
    contributes.configuration;

  it('stand in groups that have a title and an order', () => {
    assert.deepEqual(
      categories.map(({ order }) => order),
      categories.map((_, index) => index + 1),
    );
    for (const { title } of categories) assert.ok(words(title), title);
  });

  for (const [name, setting] of categories.flatMap(({ properties }) => Object.entries(properties))) {
    it(`describe ${name} and each of its keys in Markdown, and every choice of it`, () => {
      const undescribed = described(name, setting).filter((place) => place.length > 0);
      assert.deepEqual(undescribed, []);
    });
  }
});

/** What has no description, as paths: the setting, its keys and theirs, and its choices. */
function described(path: string, setting: Setting, isNamed = true): string[] {
  const { properties = {}, additionalProperties, items } = setting;
  const inner = [items, additionalProperties].filter((each) => typeof each === 'object');
  const choices = setting.enum ?? [];
  return [
    ...(isNamed && !words(setting.markdownDescription) ? [path] : []),
    ...choices.flatMap((choice, index) =>
      words(setting.enumDescriptions?.[index]) ? [] : [`${path}: ${String(choice)}`],
    ),
    ...inner.flatMap((each) => described(`${path}.*`, each, false)),
    ...Object.entries(properties).flatMap(([key, each]) => described(`${path}.${key}`, each)),
  ];
}
