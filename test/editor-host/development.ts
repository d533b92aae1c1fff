/** How a built workbench is told to load an extension from a folder and to run a test suite in its extension host. */
import { resolve } from 'node:path';

export interface Development {
  /** Folders of extensions to load. */
  readonly extensions: readonly string[];
  /** The module whose `run()` the extension host calls. */
  readonly tests: string;
}

/** A file of the server, as a workbench in a browser names it. */
interface RemoteUri {
  readonly scheme: 'vscode-remote';
  readonly authority: string;
  readonly path: string;
}

/** What a workbench takes in its configuration beside what a user has. */
export interface DevelopmentOptions {
  readonly extensions?: readonly RemoteUri[];
  readonly extensionTestsPath?: RemoteUri;
  /** Whether the window may be driven by a test: only then it takes the token of a setting for a sign-in. */
  readonly enableSmokeTestDriver?: boolean;
}

export function developmentOptions(development: Development, server: URL): DevelopmentOptions {
  const remote = (path: string): RemoteUri => ({
    scheme: 'vscode-remote',
    authority: server.host,
    path: resolve(path),
  });
  return { extensions: development.extensions.map(remote), extensionTestsPath: remote(development.tests) };
}

/**
 * Runs in the page, before its own scripts. The query parameters that VS Code's own browser tests use are ignored by
 * a built workbench, but its configuration, JSON in a `<meta>` element, has a place for the same wish. The element is
 * there as soon as the page is parsed, and is read by a deferred script only after that. To answer the page request
 * with a changed page instead would not do: Chromium then takes the page for one of a public network and refuses its
 * WebSockets to 127.0.0.1.
 */
export function injectDevelopmentOptions(options: DevelopmentOptions): void {
  const amend = (): void => {
    const element = document.querySelector<HTMLElement>('#vscode-workbench-web-configuration');
    const settings = element?.dataset.settings;
    if (element === null || settings === undefined) return;
    document.removeEventListener('readystatechange', amend);
    const configuration = JSON.parse(settings) as Record<string, unknown>;
    element.dataset.settings = JSON.stringify({ ...configuration, developmentOptions: options });
  };
  document.addEventListener('readystatechange', amend);
}
