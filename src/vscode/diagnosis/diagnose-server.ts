import { l10n, ProgressLocation, window } from 'vscode';
import { systemEnvironment } from '../../base/environment.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import type { Diagnosis } from '../../diagnosis/check.ts';
import { clientsCheck } from '../../diagnosis/clients.ts';
import { nodeNetwork } from '../../diagnosis/node/network.ts';
import { type DiagnosisEdge, planFor } from '../../diagnosis/plan.ts';
import { report } from '../../diagnosis/report.ts';
import { run } from '../../diagnosis/run.ts';
import type { Hub } from '../../hub/hub.ts';
import { describeError, isResilientMcpError } from '../../protocol/errors.ts';
import { plainText } from '../text/untrusted-text.ts';
import { diagnosePicks, diagnoseTarget, reportName } from './diagnose-view.ts';
import type { Reports } from './reports.ts';

/** What the command works with. */
export interface DiagnoseParts {
  readonly hub: Pick<Hub, 'snapshot'>;
  /** The servers of the moment, placeholders replaced. */
  readonly configured: () => readonly ServerConfig[];
  readonly processes: DiagnosisEdge['processes'];
  readonly reports: Reports;
  /** The version of the extension. */
  readonly product: string;
  /** Shows where servers are configured. Handed in: the code that reads that setting is not needed here. */
  readonly openSettings: () => Promise<void>;
}

/**
 * "MCP: Diagnose Server": checks one server in a separate session, and shows the report.
 *
 * @param argument see {@link diagnoseTarget}
 * @returns the diagnosis; undefined when none was made. Notifications are not waited for.
 */
export async function diagnoseServer(
  parts: DiagnoseParts,
  argument: unknown,
): Promise<Diagnosis | undefined> {
  const config = await chosen(parts, argument);
  if (!config) return undefined;
  try {
    const diagnosis = await diagnosed(parts, config);
    await parts.reports.show(reportName(config.name), report(diagnosis));
    return diagnosis;
  } catch (error) {
    const advice = isResilientMcpError(error) && error.advice ? ` ${error.advice}` : '';
    void window.showErrorMessage(
      l10n.t(
        'MCP: {0} cannot be diagnosed: {1}',
        plainText(config.name),
        plainText(describeError(error) + advice),
      ),
    );
    return undefined;
  }
}

async function chosen(parts: DiagnoseParts, argument: unknown): Promise<ServerConfig | undefined> {
  const configs = parts.configured();
  const target = diagnoseTarget(
    argument,
    configs.map(({ name }) => name),
  );
  switch (target.kind) {
    case 'none configured':
      void offerSettings(parts, window.showInformationMessage, l10n.t('MCP: no servers are configured.'));
      return undefined;
    case 'unknown':
      void offerSettings(
        parts,
        window.showErrorMessage,
        l10n.t('MCP: there is no server "{0}".', plainText(target.name)),
      );
      return undefined;
    case 'one':
      return configs.find(({ name }) => name === target.name);
    case 'ask': {
      const picked = await window.showQuickPick(diagnosePicks(parts.hub.snapshot().servers, l10n.t), {
        title: l10n.t('MCP: Diagnose Server'),
        placeHolder: l10n.t('Select a server to diagnose'),
        matchOnDescription: true,
      });
      return picked && configs.find(({ name }) => name === picked.target.name);
    }
  }
}

function diagnosed({ hub, processes, product }: DiagnoseParts, config: ServerConfig): Promise<Diagnosis> {
  const environment = systemEnvironment();
  const server = planFor(config, { environment, network: nodeNetwork, processes }, product);
  const { refused = [] } = hub.snapshot().servers.find(({ name }) => name === config.name) ?? {};
  const plan = { ...server, checks: [...server.checks, clientsCheck(refused)] };
  const title = l10n.t('MCP: diagnosing {0}', plainText(config.name));
  return Promise.resolve(
    window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      async (progress, cancelled) => {
        const cancel = new AbortController();
        const subscription = cancelled.onCancellationRequested(() => cancel.abort());
        try {
          return await run(plan, {
            clock: environment.clock,
            product,
            signal: cancel.signal,
            onProgress: ({ title: message, of }) => progress.report({ message, increment: 100 / of }),
          });
        } finally {
          subscription.dispose();
        }
      },
    ),
  );
}

async function offerSettings(
  { openSettings: open }: DiagnoseParts,
  show: (text: string, button: string) => Thenable<string | undefined>,
  text: string,
): Promise<void> {
  const openSettings = l10n.t('Open Settings');
  if ((await show(text, openSettings)) === openSettings) await open();
}
