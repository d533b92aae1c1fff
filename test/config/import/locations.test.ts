import assert from 'node:assert/strict';
import type { FormatId } from '../../../src/config/import/config-format.ts';
import { FORMATS } from '../../../src/config/import/formats.ts';
import type { Machine } from '../../../src/config/import/machine.ts';

const linux: Machine = {
  platform: 'linux',
  home: '/home/maria',
  env: {},
  editorFolders: ['/home/maria/.config/Code/User', '/home/maria/.config/Code/User/profiles/-3f1'],
};
const mac: Machine = {
  platform: 'darwin',
  home: '/Users/maria',
  env: {},
  editorFolders: ['/Users/maria/Library/Application Support/Code/User'],
};
const windows: Machine = {
  platform: 'win32',
  home: 'C:\\Users\\maria',
  env: { APPDATA: 'C:\\Users\\maria\\AppData\\Roaming' },
  editorFolders: ['C:\\Users\\maria\\AppData\\Roaming\\Code\\User'],
};

const filesOf = (format: FormatId, machine: Machine) => [...FORMATS[format].userFiles(machine)];

describe('the files of other clients', () => {
  it('lie in every profile of VS Code', () => {
    assert.deepEqual(filesOf('vscode', linux), [
      '/home/maria/.config/Code/User/mcp.json',
      '/home/maria/.config/Code/User/profiles/-3f1/mcp.json',
    ]);
    assert.deepEqual(filesOf('vscode', windows), [
      'C:\\Users\\maria\\AppData\\Roaming\\Code\\User\\mcp.json',
    ]);
    assert.deepEqual(filesOf('vscode', { ...linux, editorFolders: [] }), []);
  });

  it('lie where each platform keeps settings, for Claude Desktop', () => {
    assert.deepEqual(filesOf('claude-desktop', linux), [
      '/home/maria/.config/Claude/claude_desktop_config.json',
    ]);
    assert.deepEqual(filesOf('claude-desktop', { ...linux, env: { XDG_CONFIG_HOME: '/xdg' } }), [
      '/xdg/Claude/claude_desktop_config.json',
    ]);
    assert.deepEqual(filesOf('claude-desktop', mac), [
      '/Users/maria/Library/Application Support/Claude/claude_desktop_config.json',
    ]);
    assert.deepEqual(filesOf('claude-desktop', windows), [
      'C:\\Users\\maria\\AppData\\Roaming\\Claude\\claude_desktop_config.json',
    ]);
    assert.deepEqual(filesOf('claude-desktop', { ...windows, env: {} }), filesOf('claude-desktop', windows));
  });

  it('lie below the home folder, for Cursor and Windsurf', () => {
    assert.deepEqual(filesOf('cursor', mac), ['/Users/maria/.cursor/mcp.json']);
    assert.deepEqual(filesOf('cursor', windows), ['C:\\Users\\maria\\.cursor\\mcp.json']);
    assert.deepEqual(filesOf('windsurf', linux), [
      '/home/maria/.codeium/windsurf/mcp_config.json',
      '/home/maria/.codeium/mcp_config.json',
    ]);
  });

  it('lie with the extension or with the command line, for Cline', () => {
    assert.deepEqual(filesOf('cline', mac), [
      '/Users/maria/Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
      '/Users/maria/.cline/data/settings/cline_mcp_settings.json',
    ]);
    const moved = { ...mac, env: { CLINE_MCP_SETTINGS_PATH: '/etc/cline.json' } };
    assert.equal(filesOf('cline', moved).at(-1), '/etc/cline.json');
  });

  it('lie in the home folder, or where it is told, for the servers of Claude Code’s user and projects', () => {
    assert.deepEqual(filesOf('claude-user', linux), ['/home/maria/.claude.json']);
    assert.deepEqual(filesOf('claude-user', windows), ['C:\\Users\\maria\\.claude.json']);
    const moved = { ...mac, env: { CLAUDE_CONFIG_DIR: '/etc/claude' } };
    assert.deepEqual(filesOf('claude-user', moved), ['/etc/claude/.claude.json']);
  });

  it('lie in a workspace for VS Code, Claude Code and Cursor', () => {
    const inWorkspaces = Object.values(FORMATS).flatMap(({ id, workspaceFile }) =>
      workspaceFile ? [[id, workspaceFile.join('/')]] : [],
    );
    assert.deepEqual(inWorkspaces, [
      ['vscode', '.vscode/mcp.json'],
      ['claude-code', '.mcp.json'],
      ['cursor', '.cursor/mcp.json'],
    ]);
    assert.deepEqual(filesOf('claude-code', linux), []);
  });
});
