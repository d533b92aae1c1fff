import type { Locator, Page } from 'playwright-core';
import { violations } from '../webview/browser/axe.ts';

/** The page of the timeline in a window, inside the two frames that the editor puts around it. */
export class TimelineView {
  readonly #root: Locator;

  constructor(page: Page) {
    this.#root = page
      .frameLocator('iframe.webview[src*="extensionId=resilient-mcp.resilient-mcp"]')
      .frameLocator('iframe#active-frame')
      .locator('#timeline');
  }

  /** Waits until the text of the timeline matches. Returns that text, as it is laid out. */
  async text(matching: RegExp): Promise<string> {
    const found = this.#root.filter({ hasText: matching });
    await found.waitFor();
    return found.innerText();
  }

  /** Clicks one of its buttons. */
  async click(button: string): Promise<void> {
    await this.#root.getByRole('button', { name: button, exact: true }).click();
  }

  /** Presses a key in its chart. */
  async press(key: string): Promise<void> {
    await this.#root.getByRole('application').press(key);
  }

  /** What axe-core objects to in it. */
  async violations(): Promise<string[]> {
    const frame = await (await this.#root.elementHandle())?.ownerFrame();
    if (!frame) throw new Error('The timeline is in no frame');
    return violations(frame);
  }
}
