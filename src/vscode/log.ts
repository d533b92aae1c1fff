import { type LogOutputChannel, window } from 'vscode';
import type { Fleet } from '../hub/fleet.ts';
import { renderLogLine } from './text/log-line.ts';

/** Opens the output channel "Resilient MCP" and writes every fact of the fleet to it. The caller disposes it. */
export function openLog(fleet: Fleet): LogOutputChannel {
  const log = window.createOutputChannel('Resilient MCP', { log: true });
  fleet.onFact((fact) => {
    const { level, line } = renderLogLine(fact);
    log[level](line);
  });
  return log;
}
