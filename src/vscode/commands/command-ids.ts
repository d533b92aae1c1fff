/** The commands of the extension, as in the manifest. */
export const COMMANDS = {
  resetSession: 'resilientMcp.resetSession',
  showSessions: 'resilientMcp.showSessions',
  pauseServer: 'resilientMcp.pauseServer',
  resumeServer: 'resilientMcp.resumeServer',
  simulateLoss: 'resilientMcp.simulateLoss',
  notifyAgain: 'resilientMcp.notifyAgain',
  showTimeline: 'resilientMcp.showTimeline',
  diagnoseServer: 'resilientMcp.diagnoseServer',
  exportJournal: 'resilientMcp.exportJournal',
  protectServer: 'resilientMcp.protectServer',
  copyGatewayConfiguration: 'resilientMcp.copyGatewayConfiguration',
  renewGatewayToken: 'resilientMcp.renewGatewayToken',
  enterInput: 'resilientMcp.enterInput',
  showLog: 'resilientMcp.showLog',
} as const;

export type CommandId = (typeof COMMANDS)[keyof typeof COMMANDS];

/** The tools for agents, as in the manifest. */
export const TOOLS = {
  sessions: 'resilientMcp_sessions',
  resetSession: 'resilientMcp_resetSession',
} as const;
