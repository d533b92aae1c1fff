import type { ConfigFormat } from '../config-format.ts';
import { pathOn } from '../machine.ts';
import { claudeCodeFormat } from './claude-code.ts';

/** `~/.claude.json`, where `claude mcp add` writes: servers of the user, and by folder those of one project. */
export const claudeUserFormat: ConfigFormat = {
  ...claudeCodeFormat,
  id: 'claude-user',
  projectsKey: 'projects',
  // It is a file of JSON without comments, and Claude Code writes it often.
  disabling: { how: 'move', to: 'mcpServersNotUsed' },
  workspaceFile: undefined,
  userFiles: (machine) => [pathOn(machine, machine.env.CLAUDE_CONFIG_DIR || machine.home, '.claude.json')],
};
