import { posix } from 'node:path';
import type { SourceFile } from './source-file.ts';

/** Who may know whom, by the folder of src/ that a file is in; docs/architecture.md has the picture. */
const mayKnow: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ['base'],
  client: ['base', 'protocol'],
  endpoint: ['base', 'protocol'],
  server: ['base', 'protocol', 'endpoint'],
  config: ['base', 'protocol'],
  processes: ['base', 'protocol'],
  hub: ['base', 'protocol', 'client', 'endpoint', 'server', 'config', 'processes'],
  diagnosis: ['base', 'protocol', 'client', 'config', 'processes', 'hub'],
  cli: ['base', 'protocol', 'client', 'endpoint', 'server', 'config', 'processes', 'hub', 'diagnosis'],
  // The page of a webview runs in a browser; what the extension tells it is defined there.
  webview: [],
  vscode: ['base', 'protocol', 'client', 'config', 'processes', 'hub', 'diagnosis', 'webview'],
  'extension.ts': ['vscode'],
};

const mayImportTheEditor = new Set(['vscode', 'extension.ts']);
const portable = new Set([
  'base',
  'protocol',
  'client',
  'endpoint',
  'server',
  'config',
  'hub',
  'diagnosis',
  'webview',
]);
const belowTheEdge = new Set([
  'base',
  'protocol',
  'client',
  'endpoint',
  'server',
  'config',
  'processes',
  'hub',
  'diagnosis',
]);

/** What has to be handed in below the edge, so that a test can hold it still and the editor can replace it. */
const handedIn = new Set([
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'AbortSignal.timeout',
  'Date.now',
  'new Date',
  'performance.now',
  'Math.random',
  'crypto.randomUUID',
  'crypto.getRandomValues',
]);

/** Every exception, with its reason. A path that ends in a slash stands for all files below it. */
export interface Exceptions {
  /** May import `node:` modules although its ring runs on any platform with fetch. */
  readonly node: Readonly<Record<string, string>>;
  /** May use the platform's clock, random and network. */
  readonly platform: Readonly<Record<string, string>>;
}

const exceptions: Exceptions = {
  node: {
    'src/hub/gateway/': 'it listens, and its files are of this machine',
    'src/hub/clients/': 'random ids and digests without waiting: the web platform has those only as promises',
    'src/hub/open/': 'programs and files are of this machine',
    'src/diagnosis/node/': 'DNS, TCP and TLS below fetch are of Node.js; handed to the checks',
    'src/endpoint/node/': 'it fits the endpoint to node:http',
    'src/server/adapters/': 'each adapter fits the handler to one kind of HTTP server',
    'src/server/sdk/sdk-transport.ts':
      'the SDK tells an event store nothing of the request, which only its async context knows',
    'src/client/wire/http/node/': 'asked for at run time, and gone without where there is none',
    'src/client/wire/http/plain/': 'loaded by the above, where there is a node:net',
    'src/server/ids/session-id.ts': 'HMAC without waiting: the web platform has it only as a promise',
    'src/server/ids/private-file.ts': 'the rights of a file are the system’s to tell',
    'src/server/ids/sealed.ts': 'as HMAC: the web platform has ciphers only as promises',
    'src/server/ids/session-key.ts': 'a key that outlives the process needs a file',
    'src/server/sdk/sdk-version.ts': 'the version of the SDK stands in a file of it',
    'src/server/store/sqlite.ts': 'types alone; the module is asked for at run time',
  },
  platform: {
    'src/base/environment.ts': 'the place where the platform is handed in',
  },
};

/** At most this many lines in one source file; over 320 is a reason to look for a second subject in it. */
export const lineCeiling = 450;

/**
 * Everything that is wrong with the imports of `files`, as lines for a person; `a.ts -> b.ts` names the offending
 * edge. An import that resolves to no file of the list is an error too: a check of half a graph proves nothing.
 */
export function violations(files: readonly SourceFile[], allowed: Exceptions = exceptions): string[] {
  const graph = new Map(files.map((file) => [file.path, edgesOf(file)]));
  return [
    ...files.flatMap((file) => (ringOf(file.path) in mayKnow ? [] : [`${file.path}: src/ has no such ring`])),
    ...files.flatMap((file) => outwardArrows(file, new Set(graph.keys()))),
    ...files.flatMap((file) => foreignModules(file, allowed)),
    ...files.flatMap((file) => platformUses(file, allowed)),
    ...cycles(graph),
    ...files.flatMap(({ path, lines }) =>
      lines > lineCeiling ? [`${path}: ${lines} lines, over ${lineCeiling}`] : [],
    ),
    ...unusedExceptions(files, allowed),
  ];
}

function ringOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** The files that `file` imports by a relative path. */
export function edgesOf(file: SourceFile): string[] {
  const relative = file.imports.filter(({ specifier }) => specifier.startsWith('.'));
  return relative.map(({ specifier }) => posix.join(posix.dirname(file.path), specifier));
}

function outwardArrows(file: SourceFile, known: ReadonlySet<string>): string[] {
  const ring = ringOf(file.path);
  return edgesOf(file).flatMap((target) => {
    const arrow = `${file.path} -> ${target}`;
    if (!known.has(target)) return [`${arrow}: no such file in src/`];
    const to = ringOf(target);
    return to === ring || mayKnow[ring]?.includes(to) ? [] : [`${arrow}: ${ring} may not know ${to}`];
  });
}

function foreignModules(file: SourceFile, allowed: Exceptions): string[] {
  const ring = ringOf(file.path);
  return file.imports.flatMap(({ specifier, line }) => {
    const arrow = `${file.path}:${line} -> ${specifier}`;
    if (specifier === 'vscode' && !mayImportTheEditor.has(ring)) {
      return [`${arrow}: only src/vscode and src/extension.ts may import the editor`];
    }
    if (specifier.startsWith('node:') && portable.has(ring) && !isExcepted(file.path, allowed.node)) {
      return [`${arrow}: ${ring} runs on any platform with fetch`];
    }
    return [];
  });
}

function platformUses(file: SourceFile, allowed: Exceptions): string[] {
  if (!belowTheEdge.has(ringOf(file.path)) || isExcepted(file.path, allowed.platform)) return [];
  const uses = file.globals.filter(({ name }) => handedIn.has(name));
  return uses.map(({ name, line }) => `${file.path}:${line}: ${name} has to be handed in below the edge`);
}

/** One line for each file that can reach itself, by its shortest way; every cycle is named once. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Map<string, string>();
  for (const start of graph.keys()) {
    const way = shortestWay(graph, start);
    const key = [...new Set(way)].sort().join(' ');
    if (way && !found.has(key)) found.set(key, `${way.join(' -> ')}: an import cycle`);
  }
  return [...found.values()];
}

function shortestWay(graph: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return [...way, start];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function isExcepted(path: string, allowed: Readonly<Record<string, string>>): boolean {
  return Object.keys(allowed).some(
    (entry) => path === entry || (entry.endsWith('/') && path.startsWith(entry)),
  );
}

/** An exception that nothing needs any more would let the next shortcut through unseen. */
function unusedExceptions(files: readonly SourceFile[], allowed: Exceptions): string[] {
  const entries = [...Object.keys(allowed.node), ...Object.keys(allowed.platform)];
  return entries
    .filter((entry) => !files.some(({ path }) => isExcepted(path, { [entry]: '' })))
    .map((entry) => `${entry}: an exception for a file that does not exist`);
}
