import {
  Disposable,
  LanguageModelTextPart,
  LanguageModelToolResult,
  l10n,
  lm,
  type PreparedToolInvocation,
} from 'vscode';
import type { FactHistory } from '../../hub/facts.ts';
import type { Hub } from '../../hub/hub.ts';
import { TOOLS } from '../commands/command-ids.ts';
import { plainText } from '../text/untrusted-text.ts';

/** A separate bundle (esbuild.mjs): in most windows no agent uses the tools. */
const acting = () => import('../chunks/session-actions.ts');

interface ServerInput {
  readonly server?: string;
}

/** Offers agents two tools: one tells them the state of the sessions, one resets a session if the person agrees. */
export function offerTools(hub: Hub, history: FactHistory): Disposable {
  // Some editors of this kind have no tools for agents.
  if (typeof lm?.registerTool !== 'function') return new Disposable(() => {});
  return Disposable.from(
    lm.registerTool<ServerInput>(TOOLS.sessions, {
      prepareInvocation: () => ({ invocationMessage: l10n.t('Reading the state of MCP sessions') }),
      invoke: async ({ input }) => {
        if (input.server !== undefined) known(hub, input.server);
        const { sessionsForAgent } = await acting();
        return result(sessionsForAgent(hub.snapshot(), history.events, input.server));
      },
    }),
    lm.registerTool<ServerInput>(TOOLS.resetSession, {
      prepareInvocation: ({ input }) => confirmation(known(hub, input.server)),
      invoke: async ({ input }) => {
        const name = known(hub, input.server);
        const { resetForAgent } = await acting();
        const outcomes = await hub.reset(name);
        return result(outcomes.map(resetForAgent).join('\n'));
      },
    }),
  );
}

function confirmation(server: string): PreparedToolInvocation {
  const name = plainText(server);
  return {
    invocationMessage: l10n.t('Resetting the session of {0}', name),
    confirmationMessages: {
      title: l10n.t('Reset the MCP session of {0}?', name),
      message: l10n.t(
        'Ends the session at the server and opens a new one. State that the server keeps in the session, such as an open page, is lost.',
      ),
    },
  };
}

/** The name of an existing server. Throws with a message for the model. */
function known(hub: Hub, name: unknown): string {
  const names = hub.snapshot().servers.map((server) => server.name);
  if (typeof name === 'string' && names.includes(name)) return name;
  const list = names.length > 0 ? `Configured servers: ${names.join(', ')}.` : 'None is configured.';
  throw new Error(`There is no server ${JSON.stringify(name ?? null)}. ${list}`);
}

function result(text: string): LanguageModelToolResult {
  return new LanguageModelToolResult([new LanguageModelTextPart(text)]);
}
