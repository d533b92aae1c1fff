import type { RefusedClient } from '../hub/snapshot.ts';
import { ok, problem } from './check.ts';
import type { Check } from './run.ts';

const ADVICE =
  'Its configuration holds the address of the gateway without the token, or with an old one: the command "MCP: Copy Gateway Configuration" gives what it needs. VS Code’s own agents take what this extension offers; a definition of an earlier version of it is gone with their next message, or when the window is reloaded.';

/** Whether clients come through the door of the gateway. @param refused those that did not, and have not since */
export function clientsCheck(refused: readonly RefusedClient[]): Check {
  return {
    id: 'clients',
    title: 'Clients at the gateway',
    look: async (_, seen) => {
      for (const { client, requests, at } of refused) {
        const times = requests === 1 ? 'once' : `${requests} times`;
        seen({
          what: client || 'a client without a name',
          failure: `refused ${times}, last at ${new Date(at).toISOString()}`,
        });
      }
      if (refused.length === 0) return ok('No client was refused for want of the token.');
      const who = refused.length === 1 ? 'An agent was' : `${refused.length} agents were`;
      return problem(`${who} refused: no token.`, { advice: ADVICE });
    },
  };
}
