import { commands, type Disposable, l10n, window, workspace } from 'vscode';
import { type CancelTimer, type Clock, systemClock } from '../../../base/environment.ts';
import type { Hub } from '../../../hub/hub.ts';
import type { HubSnapshot } from '../../../hub/snapshot.ts';
import { COMMANDS } from '../../commands/command-ids.ts';
import { openServersSetting } from '../../settings/settings.ts';
import { isOver, type Outage, type OutageAct, outageNotice, outageOf } from './outage-view.ts';
import type { SilencedServers } from './silenced-servers.ts';

/** Delay before an outage is notified, in ms, so that outages at the same time share one notification. */
const TOGETHER_MS = 1000;
/** The setting that switches these notifications off, in the section of the extension. */
const SETTING = 'notifyWhenDown';

export interface OutagesParts {
  readonly hub: Pick<Hub, 'snapshot' | 'onDidChange'>;
  readonly silenced: SilencedServers;
  /** For tests. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * Tells, once for each outage, of servers that are down: past the point at which they heal by themselves. What heals is
 * never told.
 */
export class Outages implements Disposable {
  readonly #parts: OutagesParts;
  readonly #watching: { dispose(): void };
  /** Servers of whose present outage a person knows. */
  readonly #known = new Set<string>();
  #cancel: CancelTimer | undefined;

  constructor(parts: OutagesParts) {
    this.#parts = parts;
    this.#watching = parts.hub.onDidChange((snapshot) => this.#look(snapshot));
  }

  /** A person was told of these servers' trouble by other means. */
  note(names: readonly string[]): void {
    for (const name of names) this.#known.add(name);
  }

  dispose(): void {
    this.#cancel?.();
    this.#watching.dispose();
  }

  #look({ servers }: HubSnapshot): void {
    for (const name of [...this.#known]) {
      if (isOver(servers.find((server) => server.name === name))) this.#known.delete(name);
    }
    if (this.#cancel || this.#untold(servers).length === 0) return;
    const { clock = systemClock } = this.#parts;
    this.#cancel = clock.after(TOGETHER_MS, () => this.#tell(), { background: true });
  }

  #untold(servers: HubSnapshot['servers']): Outage[] {
    return servers
      .flatMap((server) => outageOf(server) ?? [])
      .filter(({ server }) => !this.#known.has(server));
  }

  #tell(): void {
    this.#cancel = undefined;
    const { hub, silenced } = this.#parts;
    const outages = this.#untold(hub.snapshot().servers);
    this.note(outages.map(({ server }) => server));
    const isWanted = workspace.getConfiguration('resilientMcp').get(SETTING, true);
    if (isWanted) void this.#show(outages.filter(({ server }) => !silenced.has(server)));
  }

  async #show(outages: readonly Outage[]): Promise<void> {
    const notice = outageNotice(outages, l10n.t);
    if (!notice) return;
    const choice = await window.showWarningMessage(notice.text, ...notice.buttons.map(({ label }) => label));
    const act = notice.buttons.find(({ label }) => label === choice)?.act;
    if (act)
      await this.#act(
        act,
        outages.map(({ server }) => server),
      );
  }

  async #act(act: OutageAct, servers: readonly string[]): Promise<void> {
    const about = { server: servers[0] };
    switch (act) {
      case 'reset':
        await commands.executeCommand(COMMANDS.resetSession, about);
        return;
      case 'diagnose':
        await commands.executeCommand(COMMANDS.diagnoseServer, about);
        return;
      case 'sessions':
        await commands.executeCommand(COMMANDS.showSessions);
        return;
      case 'settings':
        return openServersSetting();
      case 'silence':
        return this.#parts.silenced.add(servers);
    }
  }
}
