/** What a person, or an agent, can do about sessions beside resetting them. Loaded when one of it is asked for. */

export { resetForAgent, sessionsForAgent } from '../text/agent-view.ts';
export { pauseServer, resumeServer } from './pause-server.ts';
export { showSessionsPick } from './sessions-pick.ts';
export { simulateLoss } from './simulate-loss.ts';
