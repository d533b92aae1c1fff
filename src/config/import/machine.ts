/** What has to be known of a machine to find the configuration files on it. Handed in: nothing here looks for itself. */
export interface Machine {
  /** As `process.platform` has it. */
  readonly platform: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * The editor's folders of user data on this machine: `User`, and one for each further profile. In a remote window
   * they are those of the remote machine; empty outside an editor.
   */
  readonly editorFolders: readonly string[];
}

/** A path on the machine. */
export function pathOn({ platform }: Machine, start: string, ...parts: readonly string[]): string {
  const separator = platform === 'win32' ? '\\' : '/';
  return [start.replace(/[/\\]+$/, ''), ...parts].join(separator);
}

/** Where programs keep their settings: `%APPDATA%`, `~/Library/Application Support`, `$XDG_CONFIG_HOME` or `~/.config`. */
export function settingsFolder(machine: Machine): string {
  const { platform, home, env } = machine;
  if (platform === 'win32') return env.APPDATA || pathOn(machine, home, 'AppData', 'Roaming');
  if (platform === 'darwin') return pathOn(machine, home, 'Library', 'Application Support');
  return env.XDG_CONFIG_HOME || pathOn(machine, home, '.config');
}
