// Holds package.json to what no other check looks at: the floor of the editor, names, translations, the lock.
import { existsSync, globSync, readFileSync } from 'node:fs';

interface Manifest {
  readonly version: string;
  readonly main: string;
  readonly icon?: string;
  readonly homepage?: string;
  readonly repository?: { readonly url?: string };
  readonly bugs?: { readonly url?: string };
  readonly engines: { readonly vscode: string; readonly node: string };
  readonly activationEvents?: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly contributes?: {
    readonly commands?: readonly { command: string; title: string; category?: string }[];
    readonly configuration?: readonly { properties: Readonly<Record<string, object>> }[];
  };
}

interface Lock {
  readonly packages: Readonly<Record<string, { hasInstallScript?: boolean; integrity?: string }>>;
}

const text = readFileSync('package.json', 'utf8');
const manifest: Manifest = JSON.parse(text);
const lock: Lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));

const problems = [
  ...addresses(),
  ...engines(),
  ...names(),
  ...translations(),
  ...lockFile(),
  ...installScripts(),
  ...changelog(),
].map((problem) => `package.json: ${problem}`);

/** The page of the extension makes its links from `repository`; a person finds the rest from there. */
function addresses(): string[] {
  const { repository, bugs, homepage } = manifest;
  const place = /^git\+(https:.+)\.git$/.exec(repository?.url ?? '')?.[1];
  if (!place) return ['repository.url is not of the form git+https://….git'];
  return [
    ...(bugs?.url === `${place}/issues` ? [] : [`bugs.url is not ${place}/issues`]),
    ...(homepage === `${place}#readme` ? [] : [`homepage is not ${place}#readme`]),
  ];
}

/** The types that the sources are checked against are those of the oldest runtime that may run them. */
function engines(): string[] {
  const { engines, devDependencies } = manifest;
  const types = devDependencies['@types/vscode'];
  const nodeFloor = /\d+/.exec(engines.node)?.[0];
  const nodeTypes = /\d+/.exec(devDependencies['@types/node'] ?? '')?.[0];
  const development = /\d+/.exec(devDependencies.node ?? '')?.[0];
  const chosen = /^\d+/.exec(readFileSync('.node-version', 'utf8'))?.[0];
  return [
    ...(engines.vscode === `^${types}`
      ? []
      : [`engines.vscode is ${engines.vscode}, and @types/vscode is ${types}`]),
    ...(nodeFloor === nodeTypes
      ? []
      : [`engines.node starts at ${nodeFloor}, and @types/node is ${nodeTypes}`]),
    ...(development === chosen ? [] : [`the dev dependency node is ${development}, .node-version ${chosen}`]),
  ];
}

function names(): string[] {
  const commands = manifest.contributes?.commands ?? [];
  const settings = (manifest.contributes?.configuration ?? []).flatMap(({ properties }) =>
    Object.keys(properties),
  );
  const foreign = [...commands.map(({ command }) => command), ...settings].filter(
    (name) => !name.startsWith('resilientMcp.'),
  );
  const bare = commands.filter(({ category }) => !category).map(({ command }) => command);
  return [
    ...foreign.map((name) => `${name} does not begin with "resilientMcp."`),
    ...bare.map((command) => `${command} has no category, and would stand in the palette without "MCP:"`),
    ...(manifest.activationEvents?.includes('*') ? ['activation by "*" delays the start of the editor'] : []),
    ...(manifest.icon && !existsSync(manifest.icon) ? [`the icon ${manifest.icon} does not exist`] : []),
  ];
}

/** Every `%key%` has a text, every text is used, and every translation has the same keys. */
function translations(): string[] {
  const used = new Set([...text.matchAll(/"%([^%"]+)%"/g)].map((match) => match[1] ?? ''));
  const files = new Set([...(used.size > 0 ? ['package.nls.json'] : []), ...globSync('package.nls*.json')]);
  return [...files].flatMap((file) => {
    if (!existsSync(file)) return [`its %keys% have no ${file}`];
    const given = new Set(Object.keys(JSON.parse(readFileSync(file, 'utf8'))));
    return [
      ...[...used].filter((key) => !given.has(key)).map((key) => `%${key}% is not in ${file}`),
      ...[...given].filter((key) => !used.has(key)).map((key) => `"${key}" of ${file} is not used`),
    ];
  });
}

/** An address in the lock would send everybody to the registry of the machine that wrote it. */
function lockFile(): string[] {
  const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
  return [
    ...(readFileSync('package-lock.json', 'utf8').includes('"resolved": "http')
      ? ['the lock names a host']
      : []),
    ...entries.filter(([, { integrity }]) => !integrity).map(([path]) => `the lock has no hash for ${path}`),
  ];
}

/** Every package that wants to run a script while it is installed has been decided about. */
function installScripts(): string[] {
  const wanting = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  const undecided = wanting
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
    .filter((name) => !(name in manifest.allowScripts));
  return undecided.map((name) => `${name} has an install script, and allowScripts says nothing about it`);
}

function changelog(): string[] {
  const headings = readFileSync('CHANGELOG.md', 'utf8').match(/^## \[.+\]/gm) ?? [];
  const known = headings.some((line) => line === '## [Unreleased]' || line === `## [${manifest.version}]`);
  return known ? [] : [`CHANGELOG.md has neither [Unreleased] nor [${manifest.version}]`];
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log('package.json and package-lock.json are in order.');
