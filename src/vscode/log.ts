import { type LogOutputChannel, window } from 'vscode';
import type { Hub } from '../hub/hub.ts';
import { renderLogLine } from './text/log-line.ts';

/** Opens the output channel "Resilient MCP" and writes every fact of the hub to it. The caller disposes it. */
export function openLog(hub: Hub): LogOutputChannel {
  const log = window.createOutputChannel('Resilient MCP', { log: true });
  hub.onFact((fact) => {
    const { level, line } = renderLogLine(fact);
    log[level](line);
  });
  return log;
}
