import { homedir } from 'node:os';
import { commands, l10n, Uri, window, workspace } from 'vscode';
import { systemClock } from '../../base/environment.ts';
import { exportRecording } from '../../diagnosis/recording/export.ts';
import type { FactHistory } from '../../hub/facts.ts';
import type { Hub } from '../../hub/hub.ts';
import { describeError } from '../../protocol/errors.ts';
import { plainText } from '../text/untrusted-text.ts';

/** A name for an exported journal, by its time: `mcp-journal-2026-11-22-1405.jsonl`, in UTC. */
export function journalName(now: number): string {
  const [day = '', time = ''] = new Date(now).toISOString().split('T');
  return `mcp-journal-${day}-${time.slice(0, 5).replace(':', '')}.jsonl`;
}

/** What the command works with. */
export interface ExportParts {
  readonly hub: Pick<Hub, 'snapshot'>;
  readonly history: Pick<FactHistory, 'facts'>;
  /** The version of the extension. */
  readonly product: string;
}

/**
 * "MCP: Export Session Journal": writes the events of all connections to a file, without confidential data.
 *
 * @returns the file; undefined when none was written. Notifications are not waited for.
 */
export async function exportJournal({ hub, history, product }: ExportParts): Promise<Uri | undefined> {
  const { facts } = history;
  if (facts.length === 0) {
    void window.showInformationMessage(l10n.t('MCP: there are no events to export yet.'));
    return undefined;
  }
  const now = systemClock.now();
  const file = await window.showSaveDialog({
    title: l10n.t('Export Session Journal'),
    defaultUri: Uri.joinPath(folder(), journalName(now)),
    filters: { [l10n.t('JSON Lines')]: ['jsonl'] },
    saveLabel: l10n.t('Export'),
  });
  if (!file) return undefined;
  const text = exportRecording(facts, hub.snapshot().servers, { product, now });
  try {
    await workspace.fs.writeFile(file, new TextEncoder().encode(text));
  } catch (error) {
    void window.showErrorMessage(
      l10n.t('MCP: could not write the journal: {0}', plainText(describeError(error))),
    );
    return undefined;
  }
  void offerToOpen(file, facts.length);
  return file;
}

/** Where somebody would look for it: beside the work, or at home where there is none. */
function folder(): Uri {
  return workspace.workspaceFolders?.[0]?.uri ?? Uri.file(homedir());
}

async function offerToOpen(file: Uri, facts: number): Promise<void> {
  const open = l10n.t('Open File');
  const choice = await window.showInformationMessage(
    l10n.t(
      'MCP: exported {0} events, without arguments, results, headers and ids. The file names servers and tools: review it before you share it.',
      facts,
    ),
    open,
  );
  if (choice === open) await commands.executeCommand('vscode.open', file);
}
