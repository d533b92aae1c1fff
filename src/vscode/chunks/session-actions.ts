/** What a person, or an agent, can do about sessions beside resetting them. Loaded when one of it is asked for. */

export { resetForAgent, sessionsForAgent } from '../agents/agent-view.ts';
export { pauseServer, resumeServer } from '../commands/pause-server.ts';
export { showSessionsPick } from '../commands/sessions-pick.ts';
export { simulateLoss } from '../commands/simulate-loss.ts';
