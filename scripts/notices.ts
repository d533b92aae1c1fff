import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

const licenseFile = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/**
 * The licences of the packages whose code is in a bundle: they allow copying on condition that their text goes with
 * the copy. Throws for a package that has no licence text, so that none gets in unnoticed.
 */
export async function thirdPartyNotices(metafile: Metafile, root: string): Promise<string> {
  const parts = await Promise.all(packageFolders(metafile).map((folder) => notice(join(root, folder))));
  return `Resilient MCP contains code of the following packages.\n\n${parts.join('\n')}`;
}

/** The folders of the packages that contribute at least one byte to an output, in alphabetical order. */
function packageFolders(metafile: Metafile): string[] {
  const folders = new Set<string>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
      if (folder && bytesInOutput > 0) folders.add(folder);
    }
  }
  return [...folders].sort();
}

async function notice(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const files = (await readdir(folder)).filter((file) => licenseFile.test(file)).sort();
  if (files.length === 0)
    throw new Error(`${name} ${version} is bundled, and ${folder} holds no licence text.`);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const heading = `${name} ${version} (${license})`;
  const body = texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n');
  return `${'='.repeat(80)}\n${heading}\n${'='.repeat(80)}\n\n${body}\n`;
}
