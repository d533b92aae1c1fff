/** What protecting or unprotecting makes of each file; nothing is written here. */
import { isLoopback } from '../../base/address-zones.ts';
import { type EntryPath, objectAt, textOf, type WrapRecord } from '../../config/import/wrap/place.ts';
import { unwrap } from '../../config/import/wrap/unwrap.ts';
import type { OwnProgram } from '../../config/import/wrap/words.ts';
import { wrap } from '../../config/import/wrap/wrap.ts';
import { Failed } from '../command.ts';
import { nearest } from '../nearest.ts';
import type { ClientEntry, ClientFile } from './client-files.ts';
import { shownPath } from './show.ts';

/** An entry and what is to become of it. */
export interface EntryChange {
  readonly entry: ClientEntry;
  /** Its text before and after. */
  readonly change: WrapRecord;
}

/** A file as it is to be. */
export interface FileChange {
  readonly file: ClientFile;
  readonly after: string;
  readonly entries: readonly EntryChange[];
}

export interface Planned {
  readonly files: readonly FileChange[];
  /** Those that are left as they are, and why, as words that follow the name. */
  readonly left: readonly {
    readonly entry: ClientEntry;
    readonly reason: string;
    readonly isTrouble: boolean;
  }[];
}

/** The entries that are meant. @throws Failed for a name that no file has */
export function chosen(
  entries: readonly ClientEntry[],
  names: readonly string[],
  all: boolean,
): ClientEntry[] {
  const known = [...new Set(entries.map(({ name }) => name))];
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined) {
    const meant = nearest(missing, known);
    throw new Failed(
      `no file names a server ${JSON.stringify(missing)}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
    );
  }
  return entries.filter(({ name }) => all || names.includes(name));
}

export interface ProtectHow {
  /** Whether files were named: then others are not looked at, and these may be written. */
  readonly isFileNamed: boolean;
  readonly all: boolean;
  readonly programFor: (file: ClientFile) => OwnProgram;
}

export function planProtection(entries: readonly ClientEntry[], how: ProtectHow): Planned {
  return planned(entries, (text, entry) => {
    const reason = reasonToLeave(entry, how);
    if (reason !== undefined) return { fault: reason, isTrouble: !how.all && !entry.isProtected };
    const result = wrap(text, entry.path, entry.file.format, how.programFor(entry.file));
    return 'fault' in result ? { ...result, isTrouble: true } : { text: result.text, change: result.record };
  });
}

export function planRelease(
  entries: readonly ClientEntry[],
  recordOf: (file: string, path: EntryPath) => WrapRecord | undefined,
): Planned {
  return planned(entries, (text, entry) => {
    if (!entry.isProtected) return { fault: 'is not protected.', isTrouble: false };
    const { file, path } = entry;
    const result = unwrap(text, path, file.format, recordOf(file.path, path));
    if ('fault' in result) return { ...result, isTrouble: true };
    return {
      text: result.text,
      change: { path, original: entryText(text, path), wrapped: entryText(result.text, path) },
    };
  });
}

type Step =
  | { readonly text: string; readonly change: WrapRecord }
  | { readonly fault: string; readonly isTrouble: boolean };

function planned(entries: readonly ClientEntry[], step: (text: string, entry: ClientEntry) => Step): Planned {
  const files: FileChange[] = [];
  const left: { entry: ClientEntry; reason: string; isTrouble: boolean }[] = [];
  for (const file of new Set(entries.map((entry) => entry.file))) {
    let after = file.text;
    const changes: EntryChange[] = [];
    for (const entry of entries.filter((each) => each.file === file)) {
      const result = step(after, entry);
      if ('fault' in result) left.push({ entry, reason: result.fault, isTrouble: result.isTrouble });
      else {
        after = result.text;
        changes.push({ entry, change: result.change });
      }
    }
    if (changes.length > 0) files.push({ file, after, entries: changes });
  }
  return { files, left };
}

function reasonToLeave(entry: ClientEntry, { isFileNamed, all }: ProtectHow): string | undefined {
  const { file, isProtected, server, fault } = entry;
  if (isProtected) return 'is protected already.';
  if (fault !== undefined || !server) return fault;
  if (!isFileNamed && !file.isOwn) {
    const because = file.isInGit ? 'is in git, and others may share it' : `is ${file.format.title}’s`;
    return `stands in a file that ${because}. Name it: --file ${shownPath(file.path)}`;
  }
  if (!all) return undefined;
  if (!server.enabled) return 'is disabled in its client.';
  return mayWantSignIn(entry)
    ? 'may want a sign-in, which attach cannot offer. Name the server to protect it anyway.'
    : undefined;
}

/** An address elsewhere that no header goes to: what needs no credentials is seldom found there. */
function mayWantSignIn({ server }: ClientEntry): boolean {
  const entry = server?.entry;
  if (!entry || entry.type === 'stdio' || Object.keys(entry.headers ?? {}).length > 0) return false;
  return !URL.canParse(entry.url) || !isLoopback(new URL(entry.url).hostname);
}

function entryText(text: string, path: EntryPath): string {
  const found = objectAt(text, path);
  return 'node' in found ? textOf(text, found.node) : '';
}
