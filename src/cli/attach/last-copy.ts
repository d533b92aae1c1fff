import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FILE_MODE, FOLDER_MODE, refuseForeign } from '../../hub/gateway/window-file.ts';
import { cursorOf, type Request, type ResultResponse } from '../../protocol/message.ts';

/** The largest copy that is kept, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;
/** The form of the file; another one is not read. */
const FORM = 1;

/** The saved lists, each with the notification for a change of it. */
export const LISTS: ReadonlyMap<string, string> = new Map([
  ['tools/list', 'notifications/tools/list_changed'],
  ['prompts/list', 'notifications/prompts/list_changed'],
  ['resources/list', 'notifications/resources/list_changed'],
  ['resources/templates/list', 'notifications/resources/list_changed'],
]);

type Result = ResultResponse['result'];

interface Kept {
  readonly form: number;
  /** The name of the workspace. */
  workspace?: string | undefined;
  /** The revision that was asked for, and what was answered. */
  handshake?: { readonly asked: unknown; readonly result: Result } | undefined;
  /** By method and cursor; the first page has the cursor ''. */
  readonly lists: Record<string, Record<string, Result>>;
}

/**
 * What a server has last answered to `initialize` and to requests for its lists: a file of this user beside that of the
 * window, so that a client is told of the server's tools while the window is closed.
 */
export class LastCopy {
  readonly #file: string;
  #kept: Kept | undefined;
  /** The text that is in the file, as far as is known. */
  #written = '';

  constructor(file: string) {
    this.#file = file;
  }

  get workspace(): string | undefined {
    return this.#content.workspace;
  }

  /** The answer to such a request; undefined when none is kept, or one of another revision. */
  answerTo(request: Request): Result | undefined {
    const { handshake, lists } = this.#content;
    if (request.method !== 'initialize') return lists[request.method]?.[cursorOf(request) ?? ''];
    return handshake?.asked === request.params?.protocolVersion ? handshake?.result : undefined;
  }

  /** Saves an answer if it has changed. Never throws: the copy is optional. */
  keep(request: Request, result: Result, workspace: string | undefined): void {
    const content = this.#content;
    const cursor = cursorOf(request) ?? '';
    if (request.method === 'initialize')
      content.handshake = { asked: request.params?.protocolVersion, result };
    else if (!LISTS.has(request.method)) return;
    // What follows a first page continues that one.
    else if (cursor === '') content.lists[request.method] = { '': result };
    else content.lists[request.method] = { ...content.lists[request.method], [cursor]: result };
    content.workspace = workspace ?? content.workspace;
    this.#write(JSON.stringify(content));
  }

  get #content(): Kept {
    this.#kept ??= this.#load();
    return this.#kept;
  }

  #load(): Kept {
    try {
      const stats = statSync(this.#file);
      refuseForeign(this.#file, stats);
      refuseForeign(dirname(this.#file));
      this.#written = stats.size > MAX_BYTES ? '' : readFileSync(this.#file, 'utf8');
      const kept: Kept = JSON.parse(this.#written);
      if (kept.form !== FORM || typeof kept.lists !== 'object' || kept.lists === null)
        return { form: FORM, lists: {} };
      // Records the last use: unused copies are eventually removed.
      utimesSync(this.#file, new Date(), new Date());
      return kept;
    } catch {
      return { form: FORM, lists: {} };
    }
  }

  #write(text: string): void {
    if (text === this.#written || text.length > MAX_BYTES) return;
    const part = `${this.#file}.${process.pid}`;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: FOLDER_MODE });
      refuseForeign(dirname(this.#file));
      writeFileSync(part, text, { mode: FILE_MODE });
      renameSync(part, this.#file);
      this.#written = text;
    } catch {
      removed(part);
    }
  }
}

/** As far as it can be. */
function removed(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never there.
  }
}
