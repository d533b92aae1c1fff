import { Range, type TextDocument, Uri, WorkspaceEdit, workspace } from 'vscode';
import { disable } from '../../config/import/disable.ts';
import { changeBetween, type TextChange, undoing } from '../../config/import/text-change.ts';
import type { ConfigFile } from './config-files.ts';
import type { Taken } from './import-server.ts';

/** A file in which servers were switched off. */
export interface ChangedFile {
  readonly uri: Uri;
  /** Undefined for a file that was made for this. */
  readonly change: TextChange | undefined;
  readonly after: string;
}

/** What became of the originals. */
export interface Disabling {
  readonly changed: readonly ChangedFile[];
  /** Those that are off now. */
  readonly disabled: readonly Taken[];
  /** Why another is not: the file and a sentence that follows its name. */
  readonly faults: readonly { readonly uri: Uri; readonly message: string }[];
}

/**
 * Switches the originals of servers off, each in the way of its client, by edits that the editor can undo. A document
 * with changes that were not saved is left unsaved.
 *
 * @param noteFor what is written above an entry that is commented out.
 */
export async function disableOriginals(
  taken: readonly Taken[],
  noteFor: (taken: Taken) => string,
): Promise<Disabling> {
  const files = [...new Set(taken.map(({ file }) => file))];
  const all: Disabling[] = [];
  // One after the other: two of them may be one file to change.
  for (const file of files) {
    const ofFile = taken.filter((one) => one.file === file);
    all.push(await disableInFile(file, ofFile, noteFor));
  }
  return {
    changed: all.flatMap(({ changed }) => changed),
    disabled: all.flatMap(({ disabled }) => disabled),
    faults: all.flatMap(({ faults }) => faults),
  };
}

async function disableInFile(
  file: ConfigFile,
  taken: readonly Taken[],
  noteFor: (taken: Taken) => string,
): Promise<Disabling> {
  const uri = fileToChange(file);
  const document = await documentAt(uri);
  const before = document?.getText() ?? '';
  let text = before;
  const disabled: Taken[] = [];
  const faults: { uri: Uri; message: string }[] = [];
  for (const one of taken) {
    const result = disable(text, one.server.name, file.format, noteFor(one), file.project);
    if ('fault' in result) faults.push({ uri, message: result.fault });
    else {
      text = result.text;
      disabled.push(one);
    }
  }
  if (text === before) return { changed: [], disabled, faults };
  const change = document && changeBetween(before, text);
  const done = document && change ? await replace(document, change) : await create(uri, text);
  if (!done)
    return { changed: [], disabled: [], faults: [...faults, { uri, message: 'could not be written.' }] };
  return { changed: [{ uri, change, after: text }], disabled, faults };
}

/** Takes the changes back. @returns the files in which that can't be done, since they were changed again */
export async function restoreOriginals(changed: readonly ChangedFile[]): Promise<Uri[]> {
  const left: Uri[] = [];
  for (const file of changed) if (!(await restore(file))) left.push(file.uri);
  return left;
}

async function restore({ uri, change, after }: ChangedFile): Promise<boolean> {
  const document = await documentAt(uri);
  if (!document) return false;
  const text = document.getText();
  if (!change) return text === after && remove(uri);
  const back = undoing(text, change, after);
  return back !== undefined && replace(document, back);
}

function fileToChange({ uri, format: { disabling } }: ConfigFile): Uri {
  return disabling.how === 'list' ? Uri.joinPath(uri, '..', ...disabling.file) : uri;
}

/** The document of a file; undefined where there is none. */
async function documentAt(uri: Uri): Promise<TextDocument | undefined> {
  try {
    return await workspace.openTextDocument(uri);
  } catch {
    return undefined;
  }
}

async function replace(document: TextDocument, { offset, removed, inserted }: TextChange): Promise<boolean> {
  const wasDirty = document.isDirty;
  const [start, end] = [document.positionAt(offset), document.positionAt(offset + removed.length)];
  const edit = new WorkspaceEdit();
  edit.replace(document.uri, new Range(start, end), inserted);
  if (!(await workspace.applyEdit(edit))) return false;
  return wasDirty || document.save();
}

async function create(uri: Uri, text: string): Promise<boolean> {
  const edit = new WorkspaceEdit();
  edit.createFile(uri, { contents: new TextEncoder().encode(text) });
  return workspace.applyEdit(edit);
}

async function remove(uri: Uri): Promise<boolean> {
  const edit = new WorkspaceEdit();
  edit.deleteFile(uri);
  return workspace.applyEdit(edit);
}
