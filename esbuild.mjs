// Builds everything that is shipped:
//   dist/extension.js   one CommonJS file for the editor
//   dist/esm/           the npm entries as ES modules, with declarations
//
//   node esbuild.mjs            a clean build of all of it
//   node esbuild.mjs --watch    the two bundles again at each change, without declarations
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';
import { thirdPartyNotices } from './scripts/notices.ts';

const root = dirname(fileURLToPath(import.meta.url));
const watch = process.argv.includes('--watch');

/** The npm entries: one folder of dist/esm and one `exports` key of package.json each. */
const npmEntries = ['session', 'server', 'gateway'].map((ring) => `src/${ring}/index.ts`);
/** What `bin` of package.json runs, and the process that it starts. No declarations: nobody imports them. */
const programs = ['src/cli/main.ts', 'src/cli/serve-worker.ts'];
const extensionEntry = 'src/extension.ts';
/** Entries that are still to be written. The only list of its kind; an entry that exists must not be in it. */
const notWrittenYet = [];

// zod keeps its error messages in some fifty languages reachable; 250 KB of a bundle that never shows them.
const englishZod = {
  name: 'english-zod',
  setup(build) {
    build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

// The SDK's client makes an ajv validator by default; ours is handed another (src/fleet/upstream.ts). 130 KB that never ran.
const withoutAjv = {
  name: 'without-ajv',
  setup(build) {
    build.onLoad({ filter: /[\\/]sdk[\\/].*[\\/]validation[\\/]ajv-provider\.js$/ }, () => ({
      contents: `export class AjvJsonSchemaValidator {
        getValidator() {
          throw new Error('no JSON schema validator is bundled: hand one to the client');
        }
      }`,
    }));
  },
};

// The two lines that an editor's background problem matcher waits for.
const watchReport = {
  name: 'watch-report',
  setup(build) {
    build.onStart(() => console.log('[watch] build started'));
    build.onEnd((result) => {
      for (const { text, location } of result.errors) {
        console.error(`✘ [ERROR] ${text}`);
        if (location) console.error(`    ${location.file}:${location.line}:${location.column}:`);
      }
      console.log('[watch] build finished');
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node22',
  metafile: true,
  charset: 'utf8',
  legalComments: 'none', // dist/third-party-notices.txt holds them, complete
  logLevel: watch ? 'silent' : 'warning',
  plugins: watch ? [watchReport] : [],
};

/** @type {import('esbuild').BuildOptions} */
const extension = {
  ...shared,
  entryPoints: [extensionEntry],
  outfile: 'dist/extension.js',
  format: 'cjs',
  external: ['vscode'],
  // Its main file looks for its own parts in a way that no bundler can follow; Node takes that one, and not this.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  // src/server/sdk-version.ts looks for it, and does without.
  logOverride: { 'empty-import-meta': 'silent' },
  minify: !watch,
  // Beside the bundle, for reading a user's stack trace; not linked from it and not shipped.
  sourcemap: watch ? 'linked' : 'external',
  sourcesContent: watch,
  plugins: [englishZod, withoutAjv, ...shared.plugins],
};

/** @type {import('esbuild').BuildOptions} */
const modules = {
  ...shared,
  entryPoints: [...npmEntries, ...programs],
  outbase: 'src',
  outdir: 'dist/esm',
  format: 'esm',
  packages: 'external',
  splitting: true,
  chunkNames: 'shared/[name]-[hash]',
};

/** What there is to build. Throws when `notWrittenYet` and the files disagree. */
function bundles() {
  for (const entry of [extensionEntry, ...npmEntries, ...programs]) {
    const exists = existsSync(join(root, entry));
    if (exists && notWrittenYet.includes(entry)) {
      throw new Error(`${entry} exists: take it out of notWrittenYet in esbuild.mjs.`);
    }
    if (!exists && !notWrittenYet.includes(entry)) {
      throw new Error(`${entry} is an entry of the build, and is not there.`);
    }
  }
  return [extension, modules]
    .map((options) => ({
      ...options,
      entryPoints: options.entryPoints.filter((e) => !notWrittenYet.includes(e)),
    }))
    .filter((options) => options.entryPoints.length > 0);
}

async function declarations() {
  // The "tsc" of package.json's own typescript, whatever else is in the PATH.
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const child = spawn(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  if (code !== 0) throw new Error('tsc -p tsconfig.build.json reported the errors above.');
  for await (const file of glob('dist/esm/**/*.d.ts', { cwd: root }))
    await importAsJavaScript(join(root, file));
}

// Sources import each other as `./x.ts`, and tsc leaves that in declarations, where no `./x.ts` is beside them.
async function importAsJavaScript(declarationFile) {
  const text = await readFile(declarationFile, 'utf8');
  const relativeTypeScript = /(\bfrom |\bimport |\bimport\()(['"])(\.{1,2}\/[^'"\n]*)\.ts\2/g;
  await writeFile(declarationFile, text.replace(relativeTypeScript, '$1$2$3.js$2'));
}

async function once() {
  const options = bundles();
  await rm(join(root, 'dist'), { recursive: true, force: true });
  const [, ...results] = await Promise.all([declarations(), ...options.map((bundle) => build(bundle))]);
  await mkdir(join(root, 'dist/meta'), { recursive: true });
  await writeFile(join(root, 'dist/esm/package.json'), '{ "type": "module" }\n');
  for (const { metafile } of results) await describe(metafile);
}

/** What a bundle is made of, for scripts/size.ts and, as licences, for whoever gets the copy. */
async function describe(metafile) {
  const isExtension = 'dist/extension.js' in metafile.outputs;
  await writeFile(
    join(root, `dist/meta/${isExtension ? 'extension' : 'esm'}.json`),
    JSON.stringify(metafile),
  );
  // The modules of dist/esm import their packages; only the extension holds copies.
  if (isExtension) {
    await writeFile(join(root, 'dist/third-party-notices.txt'), await thirdPartyNotices(metafile, root));
  }
}

async function watching() {
  for (const options of bundles()) await (await context(options)).watch();
}

try {
  await (watch ? watching() : once());
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
