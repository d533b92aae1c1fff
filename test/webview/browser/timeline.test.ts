import assert from 'node:assert/strict';
import { join } from 'node:path';
import { MissingPartError } from '../../editor-host/missing-part.ts';
import { story } from '../story.ts';
import { violations } from './axe.ts';
import { type PageOptions, THEMES, TimelineBrowser, type TimelinePageDriver } from './timeline-browser.ts';

const pictures = join(import.meta.dirname, '../../../test-results/webview');

// The page as it is shipped, in a browser like that of the editor. What the editor itself does to it is shown by test/editor.
describe('the page of the timeline', () => {
  let browser: TimelineBrowser;
  let driver: TimelinePageDriver;
  let now: number;

  before(async function () {
    browser = await TimelineBrowser.open().catch((error) => {
      if (!(error instanceof MissingPartError)) throw error;
      console.log(`Skipped: ${error.message}`);
      return this.skip();
    });
  });
  after(() => browser?.[Symbol.asyncDispose]());
  afterEach(async () => {
    const problems = [...(driver?.problems ?? [])];
    await driver?.[Symbol.asyncDispose]();
    assert.deepEqual(problems, [], 'errors in the page, or things that its policy has refused');
  });

  async function shown(options: PageOptions = {}, facts = 3000): Promise<void> {
    driver = await browser.page(options);
    now = Date.now();
    await driver.show(story({ facts, now }), now);
  }

  const click = (name: string) => driver.page.getByRole('button', { name, exact: true }).click();
  const lanes = () => driver.page.getByRole('application');
  const moment = () => driver.page.locator('.moment h2').innerText();
  const rows = () => driver.page.locator('tbody tr').allInnerTexts();
  const shownFacts = () => driver.page.locator('.shown').innerText();
  const kept = async () => (await driver.kept()) as { span: number; to?: number; view: string };

  const drawn = () => driver.drawn();

  /** How many pixels of a canvas are not empty. */
  function inked(canvas: string): Promise<number> {
    return driver.page.locator(canvas).evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement;
      const context = (element as HTMLCanvasElement).getContext('2d');
      const { data } = context?.getImageData(0, 0, width, height) ?? { data: [] };
      return [...data].filter((value, index) => index % 4 === 3 && value > 0).length;
    });
  }

  for (const theme of [...THEMES, 'forced colors']) {
    const options = theme === 'forced colors' ? { forcedColors: true } : { theme };

    it(`has nothing that axe-core objects to, as a chart and as a table: ${theme}`, async () => {
      await shown(options);
      for (const view of ['chart', 'table']) {
        if (view === 'chart') await lanes().press('ArrowRight');
        else await click('Table');
        await drawn();
        assert.deepEqual(await violations(driver.page), [], view);
        await driver.page.screenshot({ path: join(pictures, `${theme.replaceAll(' ', '-')}-${view}.png`) });
      }
    });
  }

  it('says that nothing has happened yet, and axe-core does not object to that either', async () => {
    await shown({}, 0);
    assert.equal(
      await driver.page.locator('.lanes-frame .empty').innerText(),
      'No events yet. Events appear here as soon as a server is connected.',
    );
    assert.deepEqual(await violations(driver.page), []);
  });

  it('draws lanes, latencies, their distribution and its legend', async () => {
    await shown();
    for (const canvas of ['.lanes-canvas', '.latency-canvas', '.distribution-canvas']) {
      assert.ok((await inked(canvas)) > 1000, canvas);
    }
    for (const canvas of await driver.page.locator('canvas.glyph, canvas.swatch').all()) {
      assert.ok(await canvas.evaluate((element) => (element as HTMLCanvasElement).width > 0));
    }
    assert.match(await driver.page.locator('.figures').innerText(), /Calls\s+2,\d{3}\s+Median\s+\d+ ms/);
  });

  it('draws again in the colours of another theme', async () => {
    await shown();
    const pixels = () =>
      driver.page
        .locator('.lanes-canvas')
        .evaluate((element) => (element as HTMLCanvasElement).toDataURL().length);
    const before = await pixels();
    await driver.page.evaluate(() => {
      document.documentElement.style.setProperty('--vscode-charts-green', 'red');
      document.documentElement.style.setProperty('--vscode-editor-foreground', 'blue');
    });
    await drawn();
    assert.notEqual(await pixels(), before);
  });

  it('goes from fact to fact by keyboard, and tells each in words', async () => {
    await shown();
    await lanes().press('Home');
    const told = driver.page.locator('[aria-live=polite]');
    await told.filter({ hasText: 'github, ' }).waitFor();
    assert.match(await moment(), /^github: connected, generation 1$/);
    assert.match(await driver.page.locator('.moment li').first().innerText(), /Session opened in 42 ms/);
    await lanes().press('ArrowDown');
    assert.match(await moment(), /^github, client 1: /);
    await lanes().press('Control+ArrowRight');
    await told.filter({ hasText: 'github, client 1, ' }).waitFor();
    await lanes().press('Escape');
    assert.equal(await moment(), 'Events at this time');
  });

  it('zooms with keys, buttons and the wheel, and stops following when it is moved', async () => {
    await shown();
    await lanes().press('+');
    const first = await kept();
    await click('Zoom in');
    const second = await kept();
    assert.ok(Math.abs(second.span / first.span - 1 / 1.5) < 0.01);
    await lanes().hover({ position: { x: 500, y: 60 } });
    await driver.page.mouse.wheel(0, 300);
    await driver.page.waitForFunction(
      (span) => JSON.parse(document.documentElement.dataset.kept ?? '{}').span > span,
      second.span,
    );
    assert.equal((await kept()).to, undefined);
    await lanes().press('Shift+ArrowLeft');
    assert.equal(typeof (await kept()).to, 'number');
    const live = driver.page.getByRole('button', { name: 'Live' });
    await drawn();
    assert.equal(await live.getAttribute('aria-pressed'), 'false');
    await live.click();
    assert.equal((await kept()).to, undefined);
    await click('Fit');
    await drawn();
    assert.ok((await kept()).span > 600_000);
  });

  it('is moved by dragging', async () => {
    await shown();
    const { x, y } = (await lanes().boundingBox()) ?? assert.fail('no lanes');
    await driver.page.mouse.move(x + 400, y + 60);
    await driver.page.mouse.down();
    await driver.page.mouse.move(x + 500, y + 60, { steps: 4 });
    await driver.page.mouse.up();
    const { to } = await kept();
    assert.ok(to !== undefined && to < now);
    assert.equal(await moment(), 'Events at this time');
  });

  it('tells what is pointed at, and keeps what is clicked', async () => {
    await shown();
    await lanes().hover({ position: { x: 600, y: 60 } });
    const tip = driver.page.locator('.tip');
    await tip.waitFor({ state: 'visible' });
    assert.match(await tip.innerText(), /^github: /);
    await lanes().click({ position: { x: 600, y: 60 } });
    assert.match(await moment(), /^github: /);
    await driver.page.mouse.move(5, 5);
    await tip.waitFor({ state: 'hidden' });
    await click('Clear');
    assert.equal(await moment(), 'Events at this time');
  });

  it('filters chart and table by words, server and kind', async () => {
    await shown();
    assert.equal(await shownFacts(), '3,000 events shown');
    await click('Table');
    await driver.page.getByLabel('Filter').fill('session lost');
    const lost = await rows();
    assert.ok(lost.length > 3 && lost.every((row) => row.includes('Session lost')));
    await driver.page.getByLabel('Server').selectOption('postgres');
    const inPostgres = await rows();
    assert.ok(inPostgres.length > 0 && inPostgres.length < lost.length);
    assert.ok(inPostgres.every((row) => row.includes('postgres')));
    await driver.page.getByRole('checkbox', { name: 'Faults' }).uncheck();
    assert.deepEqual(await rows(), []);
    assert.equal(await driver.page.locator('.table .empty').innerText(), 'No events match.');
    await driver.page.getByLabel('Filter').fill('');
    await driver.page.getByRole('checkbox', { name: 'Faults' }).check();
    await driver.page.getByLabel('Server').selectOption('');
    assert.equal(await shownFacts(), '3,000 events shown');
  });

  it('turns the pages of the table, the latest first', async () => {
    await shown();
    await click('Table');
    const status = driver.page.locator('.pager [role=status]');
    assert.equal(await status.innerText(), '1 to 100 of 3,000');
    await click('Older');
    assert.equal(await status.innerText(), '101 to 200 of 3,000');
    assert.equal((await rows()).length, 100);
    await click('Newer');
    // Still there for the keyboard, so that the focus is not lost, but without effect.
    await driver.page.getByRole('button', { name: 'Newer' }).press('Enter');
    assert.equal(await status.innerText(), '1 to 100 of 3,000');
  });

  it('leaves the table alone while facts come, and puts them in when it is told to', async () => {
    const facts = story({ facts: 500, now: Date.now() });
    driver = await browser.page();
    await driver.show(facts.slice(0, 300), Date.now());
    await click('Table');
    const before = await rows();
    await driver.add(facts.slice(300), Date.now());
    assert.deepEqual(await rows(), before);
    await click('Show new events (200)');
    assert.notDeepEqual(await rows(), before);
    assert.equal(await driver.page.locator('.pager [role=status]').innerText(), '1 to 100 of 500');
  });

  it('grows while it is looked at', async () => {
    const facts = story({ facts: 600, now: Date.now(), spanMs: 50_000 });
    driver = await browser.page();
    await driver.show(facts.slice(0, 300), Date.now());
    const before = await inked('.lanes-canvas');
    await driver.add(facts.slice(300), Date.now());
    assert.equal(await shownFacts(), '600 events shown');
    assert.notEqual(await inked('.lanes-canvas'), before);
  });

  it('shows a row of the table in the chart', async () => {
    await shown();
    await click('Table');
    await driver.page.locator('tbody tr').nth(40).getByRole('button').click();
    assert.match(await moment(), /connected, generation \d+/);
    assert.equal(await lanes().evaluate((element) => element === document.activeElement), true);
  });

  it('shows the server, or the fact, that the extension asks for, whatever was hidden', async () => {
    await shown();
    await driver.page.getByLabel('Filter').fill('nothing like this');
    await driver.page.getByRole('checkbox', { name: 'Sessions' }).uncheck();
    const opening = story({ facts: 3000, now }).find(
      ({ server, fact }) => server === 'postgres' && fact.kind === 'sessionOpened',
    );
    await driver.send({ type: 'focus', server: 'postgres', seq: opening?.seq ?? 0 });
    assert.match(await moment(), /^postgres: connected, generation 1$/);
    assert.equal(await driver.page.getByLabel('Server').inputValue(), 'postgres');
    await driver.send({ type: 'focus', server: 'github' });
    assert.equal(await driver.page.getByLabel('Server').inputValue(), 'github');
  });

  it('comes back as it was left', async () => {
    await shown();
    await driver.page.getByLabel('Server').selectOption('github');
    await driver.page.getByLabel('Filter').fill('tools/call');
    await lanes().press('-');
    await click('Table');
    const state = await driver.kept();
    await driver[Symbol.asyncDispose]();
    driver = await browser.page({ kept: state });
    await driver.show(story({ facts: 3000, now }), now);
    await drawn();
    assert.equal(await driver.page.getByLabel('Filter').inputValue(), 'tools/call');
    assert.equal(await driver.page.getByLabel('Server').inputValue(), 'github');
    assert.equal(await driver.page.getByRole('table').isVisible(), true);
    await click('Chart');
    assert.deepEqual(await driver.kept(), { ...(state as object), view: 'chart' });
  });

  it('shows what a server wrote as text, and asks nobody for anything', async () => {
    const asked: string[] = [];
    driver = await browser.page();
    driver.page.on('request', (request) => asked.push(request.url()));
    const [fact] = story({ facts: 1 });
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    const told = { kind: 'requestFailed', generation: 1, method: evil, tool: undefined } as const;
    await driver.show(
      [{ seq: 1, at: Date.now(), server: evil, fact: { ...told, code: 'X', reason: evil } }],
      Date.now(),
    );
    assert.ok(fact);
    await lanes().press('Home');
    await click('Table');
    assert.equal(await driver.page.locator('img, tbody script').count(), 0);
    assert.ok((await rows())[0]?.includes('<img src=x onerror=alert(1)>'));
    assert.deepEqual(asked, []);
  });

  it('has nothing that axe-core objects to in a low editor, where parts of it scroll', async () => {
    await shown({ size: { width: 900, height: 360 } });
    assert.deepEqual(await violations(driver.page), []);
    await driver.page.screenshot({ path: join(pictures, 'low.png') });
  });

  it('fits a narrow editor: nothing is cut off sideways', async () => {
    await shown({ size: { width: 420, height: 560 } });
    for (const view of ['Chart', 'Table']) {
      await click(view);
      await drawn();
      const overflow = await driver.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(overflow, 0, view);
      await driver.page.screenshot({ path: join(pictures, `narrow-${view}.png`) });
    }
    assert.deepEqual(await violations(driver.page), []);
  });
});
