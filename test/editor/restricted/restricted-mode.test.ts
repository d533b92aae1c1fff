import assert from 'node:assert/strict';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { oneStory } from '../../support/one-story.ts';
import { extension, serverBecomes, serverReady } from '../suite/extension.ts';
import { look } from '../suite/window.ts';
import { RESTRICTED_MODE, RESTRICTED_VARIABLE, type RestrictedFiles } from './files.ts';

const files: RestrictedFiles = JSON.parse(process.env[RESTRICTED_VARIABLE] ?? '{}');
const names = () =>
  extension()
    .exports.snapshot()
    .servers.map(({ name }) => name);
const startedIn = (file: string) => readFileSync(file, 'utf8');
const ran = async (server: string, key: string) => {
  const { content } = await extension().exports.callTool(server, 'count', { key });
  return content.map((part) => (part.type === 'text' ? part.text : part.type)).join('');
};

// One story: each test begins where the one before has ended.
describe(`A window in ${RESTRICTED_MODE}`, () => {
  oneStory();

  it('connects the user’s own servers, whose programs start in the home folder', async () => {
    assert.equal(vscode.workspace.isTrusted, false);
    await extension().activate();
    assert.deepEqual(names(), ['own', 'tool']);
    assert.equal(await ran('own', 'a'), 'ran a');
    await serverReady('own', 1);
    assert.equal(startedIn(files.own), realpathSync(homedir()));
  });

  it('runs nothing that stands in the folder, though it is named like a program of the user’s', async () => {
    ran('tool', 'a').catch(() => {});
    // Two ends: it was started in the home folder, where there is no such package.
    await serverBecomes('tool', 'ended', ({ connection }) => /exit code 1/.test(connection.trouble ?? ''));
    await serverBecomes('tool', 'started again', ({ connection }) => connection.attempt > 1);
    assert.equal(existsSync(files.tool), false);
  });

  it('starts neither a program that is to start in the folder nor one of the folder, and its row says why', async () => {
    assert.deepEqual(names(), ['own', 'tool']);
    assert.deepEqual([existsSync(files.inFolder), existsSync(files.theirs)], [false, false]);
    await vscode.commands.executeCommand('resilientMcp.sessions.focus');
    await look('the row of a server that waits for trust', async (window) => {
      const matching = '^inFolder: waits until this workspace is trusted: "cwd" names its folder';
      await window('treeRows', { matching });
      await window('picture', { name: 'restricted-mode' });
      await window('clickTreeRow', { matching: '^inFolder: ' });
    });
  });

  it('starts both when the person trusts the folder, on the page that a click on the row has opened', async () => {
    const trusted = new Promise<void>((resolve) =>
      vscode.workspace.onDidGrantWorkspaceTrust(() => resolve()),
    );
    await look('the page of trust', async (window) => {
      await window('clickButton', { name: 'Trust' });
      await window('picture', { name: 'restricted-mode-trusted' });
    });
    await trusted;
    assert.deepEqual(names(), ['own', 'tool', 'inFolder', 'theirs']);
    assert.equal(await ran('inFolder', 'b'), 'ran b');
    assert.equal(await ran('theirs', 'c'), 'ran c');
    const folder = realpathSync(files.workspace);
    assert.deepEqual([startedIn(files.inFolder), startedIn(files.theirs)], [folder, folder]);
    await serverReady('own', 1);
  });
});
