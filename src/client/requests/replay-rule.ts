import { type Interruption, mayReplay, type ReplayDecision } from '../../protocol/replay.ts';
import type { ServerLists } from '../identity/server-lists.ts';
import type { Catalog } from '../memory/catalog.ts';
import type { ReplayOptions } from '../options.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import type { PendingRequest } from './pending-request.ts';

/** Sessions on which the tools are listed for the sake of one decision, while each is lost meanwhile. */
const MAX_LISTINGS = 3;

/** The rule of `protocol/replay.ts`, with the hints of the tool that a request calls and the policy of the user. */
export class ReplayRule {
  readonly #gate: Gate;
  readonly #catalog: Catalog;
  readonly #lists: ServerLists;
  readonly #replay: ReplayOptions;

  constructor(gate: Gate, catalog: Catalog, lists: ServerLists, replay: ReplayOptions) {
    this.#gate = gate;
    this.#catalog = catalog;
    this.#lists = lists;
    this.#replay = replay;
  }

  /** May this request be sent again, ended as it did? By what is known of its tool now. */
  mayReplay({ request, tool }: PendingRequest, interruption: Interruption): ReplayDecision {
    const { default: policy, tools } = this.#replay;
    if (tool === undefined) return mayReplay(request, interruption, undefined, policy);
    return mayReplay(request, interruption, this.#catalog.hints(tool), tools[tool] ?? policy);
  }

  /** May this request be sent again while it is under way? Where the hints would decide, the tools are listed for it. */
  async mayResend(pending: PendingRequest, session: Session): Promise<boolean> {
    if (this.mayReplay(pending, 'unknown').wantsHints) await this.#lists.tools(session);
    return this.mayReplay(pending, 'unknown').replay;
  }

  /**
   * The same after its exchange has ended. Where hints are wanted and not known, the tools are listed first, on the next
   * session that there is; not those of another server.
   */
  async decide(pending: PendingRequest, interruption: Interruption): Promise<ReplayDecision> {
    const decision = this.mayReplay(pending, interruption);
    if (!decision.wantsHints) return decision;
    const { server } = pending.meaning;
    for (let attempt = 0; attempt < MAX_LISTINGS; attempt++) {
      const session = await this.#gate.ready(pending).catch(() => undefined);
      if (!session || (server && session.server && server.name !== session.server.name)) return decision;
      await this.#lists.tools(session);
      if (this.#gate.isCurrent(session) && this.#gate.state.kind === 'ready') break;
    }
    return this.mayReplay(pending, interruption);
  }
}
