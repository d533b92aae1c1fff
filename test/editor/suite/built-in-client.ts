/** The MCP client that is part of VS Code. Its state is in no API; its servers' tools are. */
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';

/** How long an editor that has just opened has to list the tools of all servers, in ms, and how often it is asked. */
const START_LIMIT_MS = 90_000;
const ASK_AGAIN_MS = 500;

/** Starts every server that VS Code knows, without a question to anyone, until each of these tools is listed. */
export async function startServers(tools: readonly string[]): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const options = { autoTrustChanges: true, waitForLiveTools: true };
    await vscode.commands.executeCommand('workbench.mcp.startServer', '*', options);
    const names = vscode.lm.tools.map(({ name }) => name);
    const missing = tools.filter((name) => !names.includes(name));
    if (missing.length === 0) return;
    if (Date.now() > deadline) throw new Error(`no tool ${missing.join(', ')} among ${names.join(', ')}`);
    await delay(ASK_AGAIN_MS);
  }
}

/** VS Code's name for a tool. @param server what the server calls itself. */
export function toolName(server: string, tool: string): string {
  return `mcp_${server}_${tool}`;
}

/** Calls a tool as a chat would, and gives the text of the answer. */
export async function invokeTool(name: string, input: object): Promise<string> {
  const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
  return content
    .map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : JSON.stringify(part)))
    .join('');
}
