import { commands, type Disposable } from 'vscode';
import type { Hub } from '../../hub/hub.ts';

/** Keeps what the manifest asks of commands that can't always work: whether there is a server that they could be about. */
export function keepContexts(hub: Hub): Disposable {
  const set = contextSetter();
  const look = () => {
    const { servers } = hub.snapshot();
    set(
      'resilientMcp.canPause',
      servers.some(({ paused }) => !paused),
    );
    set(
      'resilientMcp.canResume',
      servers.some(({ paused }) => paused),
    );
    set(
      'resilientMcp.canSimulate',
      servers.some(({ name }) => hub.faults(name).length > 0),
    );
  };
  look();
  return hub.onDidChange(look);
}

/** Sets a context of the editor where it differs from what it was set to last. */
export function contextSetter(): (key: string, value: boolean) => void {
  const values = new Map<string, boolean>();
  return (key, value) => {
    if (values.get(key) === value) return;
    values.set(key, value);
    void commands.executeCommand('setContext', key, value);
  };
}
