// Builds everything that is shipped:
//   dist/extension.js   what the editor loads, in CommonJS: it loads dist/window.js once the editor has been answered
//   dist/{window,gateway,session-actions,configuration,diagnosis,timeline}.js   what it loads when that is asked for
//   dist/attach.js      what the editor's definitions start, in CommonJS, whole
//   dist/webview/       the page of the timeline
//   dist/cli/           the command line for the editor's own runtime, whole: it serves local modules
//   dist/esm/           the npm entries as ES modules, with declarations
//
//   node esbuild.mjs            a clean build of all of it
//   node esbuild.mjs --watch    all bundles again at each change, without declarations
import { spawn } from 'node:child_process';
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';
import { thirdPartyNotices } from './scripts/notices.ts';
import { webviewBundle } from './scripts/webview-bundle.ts';

const root = dirname(fileURLToPath(import.meta.url));
const watch = process.argv.includes('--watch');
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

/** The npm entries: one folder of dist/esm and one `exports` key of package.json each. */
const npmEntries = ['client', 'server', 'hub/gateway'].map((folder) => `src/${folder}/index.ts`);
/** What `bin` of package.json runs, and the processes that it starts. No declarations: nobody imports them. */
const programs = ['src/cli/main.ts', 'src/cli/serve/worker.ts'];
/** Finds the script of its processes beside itself, so it has to be a file of its own beside them. */
const commandsWithProcesses = ['src/cli/serve/command.ts'];
const extensionEntry = 'src/extension.ts';
const attachEntry = 'src/cli/attach/program.ts';
/** Parts of the extension that it imports when they are first needed, each with the name of its file in dist/. */
const loadedLater = {
  'src/vscode/window.ts': 'window',
  'src/hub/gateway/gateway.ts': 'gateway',
  'src/vscode/chunks/session-actions.ts': 'session-actions',
  'src/vscode/chunks/configuration.ts': 'configuration',
  'src/vscode/chunks/diagnosis.ts': 'diagnosis',
  'src/vscode/views/timeline/timeline-panel.ts': 'timeline',
};

// zod keeps its error messages in some fifty languages reachable; 250 KB of a bundle that never shows them.
const englishZod = {
  name: 'english-zod',
  setup(build) {
    build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

// The SDK's client makes an ajv validator by default; ours is handed another (src/hub/own-client.ts). 130 KB that never ran.
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

// Every schema of zod can turn itself into a JSON schema. 18 KB for what neither the SDK's client nor the gateway does.
const withoutJsonSchema = {
  name: 'without-json-schema',
  setup(build) {
    build.onLoad({ filter: /zod[\\/]v4[\\/]core[\\/]to-json-schema\.js$/ }, () => ({
      contents: `const refuse = () => () => {
          throw new Error('no writer of JSON schemas is bundled');
        };
        export const [createToJSONSchemaMethod, createStandardJSONSchemaMethod] = [refuse, refuse];
        export const [initializeContext, handleUnrepresentable, processSchema] = [refuse, refuse, refuse];
        export const [process, extractDefs, finalize] = [refuse, refuse, refuse];`,
    }));
    build.onLoad({ filter: /zod[\\/]v4[\\/]core[\\/]json-schema-processors\.js$/ }, async ({ path }) => {
      const names = (await readFile(path, 'utf8')).matchAll(/^export (?:const|function) (\w+)/gm);
      return { contents: [...names].map(([, name]) => `export const ${name} = undefined;`).join('\n') };
    });
  },
};

// Nobody signs in at the gateway of a window. The SDK's OAuth is ten times as large as all the rest of `attach`.
const withoutSignIn = {
  name: 'without-sign-in',
  setup(build) {
    build.onLoad({ filter: /[\\/]http[\\/]auth[\\/]oauth-flow\.ts$/ }, () => ({
      contents: `const refuse = () => {
          throw new Error('nobody can sign in here');
        };
        export const [runOAuth, challengeOf] = [refuse, refuse];`,
    }));
    build.onLoad({ filter: /[\\/]sdk[\\/].*[\\/]client[\\/]auth\.js$/ }, () => ({
      contents: 'export class UnauthorizedError extends Error {}',
    }));
  },
};

/**
 * The two lines that an editor's background problem matcher (.vscode/tasks.json) waits for, once for all bundles: an
 * editor that starts at the first "finished" would load what the other bundles were before.
 */
function watchReports(names) {
  const building = new Set(names);
  console.log('[watch] build started');
  return names.map((name) => ({
    name: 'watch-report',
    setup(build) {
      build.onStart(() => {
        if (building.size === 0) console.log('[watch] build started');
        building.add(name);
      });
      build.onEnd(({ errors }) => {
        for (const { text, location } of errors) {
          console.error(`✘ [ERROR] ${text}`);
          if (location) console.error(`    ${location.file}:${location.line}:${location.column}:`);
        }
        building.delete(name);
        if (building.size === 0) console.log('[watch] build finished');
      });
    },
  }));
}

/** @type {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node22',
  metafile: true,
  charset: 'utf8',
  // For src/base/product.ts: the version stands in package.json and nowhere else.
  define: { PRODUCT_VERSION: JSON.stringify(version) },
  legalComments: 'none', // dist/third-party-notices.txt holds them, complete
  logLevel: watch ? 'silent' : 'warning',
};

// Its main file looks for its own parts in a way that no bundler can follow; Node takes that one, and not this.
const bundled = { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' };

// What is loaded later stays out of the file that imports it.
const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
      const file = relative(root, join(resolveDir, path)).replaceAll('\\', '/');
      const name = kind === 'dynamic-import' ? loadedLater[file] : undefined;
      return name && { path: `./${name}.js`, external: true };
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const extension = {
  ...shared,
  entryPoints: [extensionEntry],
  outfile: 'dist/extension.js',
  format: 'cjs',
  external: ['vscode'],
  // By require, which the editor has taught to find 'vscode'.
  supported: { 'dynamic-import': false },
  alias: bundled,
  // src/server/sdk/sdk-version.ts looks for it, and does without.
  logOverride: { 'empty-import-meta': 'silent' },
  minify: !watch,
  // Beside the bundle, for reading a user's stack trace; not linked from it and not shipped.
  sourcemap: watch ? 'linked' : 'external',
  sourcesContent: watch,
  plugins: [apart, englishZod, withoutAjv, withoutJsonSchema],
};

/** @type {import('esbuild').BuildOptions} */
const later = {
  ...extension,
  entryPoints: Object.entries(loadedLater).map(([file, out]) => ({ in: file, out })),
  outfile: undefined,
  outdir: 'dist',
};

/** @type {import('esbuild').BuildOptions} */
const attach = {
  ...shared,
  entryPoints: [attachEntry],
  outfile: 'dist/attach.js',
  format: 'cjs',
  // By require: Node's own loader of modules would be the largest part of the start.
  supported: { 'dynamic-import': false },
  logOverride: { 'empty-import-meta': 'silent' },
  // In place of the platform's, with which all of fetch is loaded.
  inject: ['src/cli/attach/lean-headers.ts'],
  minify: !watch,
  plugins: [withoutSignIn],
};

/** @type {import('esbuild').BuildOptions} */
const webview = { ...webviewBundle, metafile: true, minify: !watch };

/** @type {import('esbuild').BuildOptions} */
const commandLine = {
  ...shared,
  // The worker beside the program that starts it, as in src/cli/serve/.
  entryPoints: { main: 'src/cli/main.ts', worker: 'src/cli/serve/worker.ts' },
  outdir: 'dist/cli',
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  alias: bundled,
  // Packages in CommonJS ask for Node's own modules by require.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  minify: !watch,
  plugins: [englishZod],
};

/** @type {import('esbuild').BuildOptions} */
const modules = {
  ...shared,
  entryPoints: [...npmEntries, ...programs, ...commandsWithProcesses],
  outbase: 'src',
  outdir: 'dist/esm',
  format: 'esm',
  packages: 'external',
  splitting: true,
  chunkNames: 'shared/[name]-[hash]',
};

const bundles = { extension, commandLine, modules, later, webview, attach };

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
  await rm(join(root, 'dist'), { recursive: true, force: true });
  const building = Object.entries(bundles).map(async ([name, options]) => [
    name,
    (await build(options)).metafile,
  ]);
  const [built] = await Promise.all([Promise.all(building), declarations()]);
  await mkdir(join(root, 'dist/meta'), { recursive: true });
  await writeFile(join(root, 'dist/esm/package.json'), '{ "type": "module" }\n');
  const { modules: ofModules, ...shipped } = Object.fromEntries(built);
  await describe('extension', shipped.extension);
  await describe('window', shipped.later);
  await describe('cli', shipped.commandLine);
  await describe('attach', shipped.attach);
  await describe('esm', ofModules);
  // The modules of dist/esm import their packages; the .vsix holds copies.
  const outputs = Object.assign({}, ...Object.values(shipped).map((metafile) => metafile.outputs));
  await writeFile(
    join(root, 'dist/third-party-notices.txt'),
    await thirdPartyNotices({ inputs: {}, outputs }, root),
  );
}

/** What a bundle is made of, for scripts/size.ts. */
async function describe(name, metafile) {
  await writeFile(join(root, `dist/meta/${name}.json`), JSON.stringify(metafile));
}

async function watching() {
  const names = Object.keys(bundles);
  const reports = watchReports(names);
  for (const [index, name] of names.entries()) {
    const { plugins = [], ...options } = bundles[name];
    await (await context({ ...options, plugins: [...plugins, reports[index]] })).watch();
  }
}

try {
  await (watch ? watching() : once());
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
