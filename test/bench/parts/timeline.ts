import { MissingPartError } from '../../editor-host/missing-part.ts';
import { type InPage, TimelineBrowser } from '../../webview/browser/timeline-browser.ts';
import { story } from '../../webview/story.ts';
import type { Comparison, Contender } from '../harness.ts';
import type { Part } from '../part.ts';

/** As many as the extension keeps. */
const FACTS = 10_000;
const FEW = 100;

type Figures = { readonly first: number; readonly filter: number };

/** The timeline in a real browser: how long until its first picture, and until that of a filter. */
export async function timelinePart(): Promise<Part> {
  const browser = await openBrowser();
  if (!browser) return { comparisons: [], async [Symbol.asyncDispose]() {} };
  return {
    comparisons: [comparison(browser)],
    [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose](),
  };
}

async function openBrowser(): Promise<TimelineBrowser | undefined> {
  try {
    return await TimelineBrowser.open();
  } catch (error) {
    if (!(error instanceof MissingPartError)) throw error;
    console.log(`\nTimeline: NOT MEASURED, there is no browser. ${error.message}`);
    return undefined;
  }
}

function comparison(browser: TimelineBrowser): Comparison<keyof Figures> {
  const drawn = (name: string, facts: number): Contender<keyof Figures> => ({
    name,
    measure: () => measurePage(browser, facts),
  });
  return {
    title: 'Timeline: the picture of what was told',
    figures: [
      { name: 'first', words: 'from the first message to the picture', unit: 'ms', better: 'lower' },
      { name: 'filter', words: 'from a word in the filter to the picture', unit: 'ms', better: 'lower' },
    ],
    contenders: [
      drawn(`${FEW} facts`, FEW),
      drawn(`${FACTS} facts`, FACTS),
      { name: `${FACTS} facts, an SVG element for each`, measure: () => measureElements(browser, FACTS) },
    ],
  };
}

/** A new page each time, as after each hiding of the panel. */
async function measurePage(browser: TimelineBrowser, facts: number): Promise<Figures> {
  const now = Date.now();
  await using driver = await browser.page();
  const message = JSON.stringify(driver.firstMessage(story({ facts, now }), now));
  return await driver.page.evaluate(async (text) => {
    const { untilPainted } = globalThis as unknown as InPage;
    const startedAt = performance.now();
    dispatchEvent(new MessageEvent('message', { data: JSON.parse(text) }));
    await untilPainted();
    const first = performance.now() - startedAt;
    const input = document.querySelector<HTMLInputElement>('input[type=search]');
    if (!input) throw new Error('there is no filter');
    const filteredAt = performance.now();
    input.value = 'search_issues';
    input.dispatchEvent(new Event('input'));
    await untilPainted();
    return { first, filter: performance.now() - filteredAt };
  }, message);
}

/** What a page without levels of detail would do: an element for each fact, shown or hidden. */
async function measureElements(browser: TimelineBrowser, facts: number): Promise<Figures> {
  const now = Date.now();
  await using driver = await browser.page();
  const message = JSON.stringify(driver.firstMessage(story({ facts, now }), now));
  return await driver.page.evaluate(async (text) => {
    const { untilPainted } = globalThis as unknown as InPage;
    const startedAt = performance.now();
    const { marks } = JSON.parse(text) as { marks: { at: number; lane: number; text: string }[] };
    const namespace = 'http://www.w3.org/2000/svg';
    const picture = document.createElementNS(namespace, 'svg');
    for (const [name, value] of [
      ['width', '1000'],
      ['height', '400'],
    ] as const) {
      picture.setAttribute(name, value);
    }
    const [start, end] = [marks.at(0)?.at ?? 0, marks.at(-1)?.at ?? 1];
    const elements = marks.map(({ at, lane, text: words }) => {
      const rect = document.createElementNS(namespace, 'rect');
      rect.setAttribute('x', String(((at - start) / (end - start)) * 1000));
      rect.setAttribute('y', String(lane * 68));
      rect.setAttribute('width', '3');
      rect.setAttribute('height', '16');
      picture.append(rect);
      return { rect, words };
    });
    document.body.replaceChildren(picture);
    await untilPainted();
    const first = performance.now() - startedAt;
    const filteredAt = performance.now();
    for (const { rect, words } of elements) {
      rect.setAttribute('display', words.includes('search_issues') ? 'inline' : 'none');
    }
    await untilPainted();
    return { first, filter: performance.now() - filteredAt };
  }, message);
}
