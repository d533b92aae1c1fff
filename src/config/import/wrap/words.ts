/** The words by which an entry is led through `resilient-mcp attach`: written here, and known again. */

/** What starts this project's program, without the command `attach`. */
export interface OwnProgram {
  readonly command: string;
  readonly args: readonly string[];
}

/** A server at an address, as `attach` is told of it. */
export interface WrittenAddress {
  /** The address itself, or the variable that holds it. */
  readonly url: string | { readonly variable: string };
  /** The names of headers, each with the variable that holds its value. */
  readonly headers: readonly (readonly [header: string, variable: string])[];
  readonly sse: boolean;
}

/** What the arguments of an entry that is wrapped say. */
export type Behind =
  /** A command, the argument at this index, and the arguments after it. */
  { readonly kind: 'command'; readonly index: number } | ({ readonly kind: 'address' } & WrittenAddress);

/** How many words may stand before `attach`: those of a shell, a package runner and its options. */
const MAX_BEFORE = 6;
/** Options of `attach` that have no value. */
const FLAGS = new Set(['--sse', '--verbose']);

/** The arguments in front of a command. */
export function wordsBeforeCommand({ args }: OwnProgram, name: string): string[] {
  return [...args, 'attach', ...nameWords(name), '--'];
}

/** The arguments in place of an address. */
export function wordsForAddress({ args }: OwnProgram, name: string, address: WrittenAddress): string[] {
  const { url, headers, sse } = address;
  return [
    ...args,
    'attach',
    ...nameWords(name),
    ...(sse ? ['--sse'] : []),
    ...headers.flatMap(([header, variable]) => ['--header-env', `${header}=${variable}`]),
    ...(typeof url === 'string' ? [url] : ['--url-env', url.variable]),
  ];
}

/** What stands behind `attach` in an entry; undefined where that does not stand in front of it. */
export function behindAttach(command: unknown, args: unknown): Behind | undefined {
  if (typeof command !== 'string' || !Array.isArray(args)) return undefined;
  const words = args.map(String);
  const start = words.indexOf('attach');
  const before = [command, ...words.slice(0, start)];
  const isOwn = before.some((word) => isOwnProgram(word) || isOwnScript(word));
  if (start < 0 || start > MAX_BEFORE || !isOwn) return undefined;
  return /^--name(?:=|$)/.test(words[start + 1] ?? '') ? read(words, start + 1) : undefined;
}

/** `resilient-mcp`, by name, with a version, or by a path to it. */
export function isOwnProgram(word: string): boolean {
  return /(?:^|[/\\])resilient-mcp(?:@[^/\\]*)?(?:\.cmd)?$/.test(word);
}

/** The file that the name stands for. Other programs have one of that name; what follows tells. */
function isOwnScript(word: string): boolean {
  return /[/\\]cli[/\\]main\.(?:m?js|ts)$/.test(word);
}

function read(words: readonly string[], start: number): Behind | undefined {
  const values: [option: string, value: string][] = [];
  for (let index = start; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') return { kind: 'command', index: index + 1 };
    if (!word.startsWith('--')) return address(values, word);
    const equals = word.indexOf('=');
    if (equals >= 0) values.push([word.slice(0, equals), word.slice(equals + 1)]);
    else if (FLAGS.has(word)) values.push([word, '']);
    else values.push([word, words[++index] ?? '']);
  }
  const variable = values.find(([option]) => option === '--url-env')?.[1];
  return variable === undefined ? undefined : address(values, { variable });
}

function address(values: readonly [string, string][], url: WrittenAddress['url']): Behind {
  const headers = values
    .filter(([option]) => option === '--header-env')
    .map(([, text]) => {
      const equals = text.indexOf('=');
      return [text.slice(0, equals), text.slice(equals + 1)] as const;
    });
  return { kind: 'address', url, headers, sse: values.some(([option]) => option === '--sse') };
}

/** A name that begins with a hyphen would be taken for an option. */
function nameWords(name: string): string[] {
  return name.startsWith('-') ? [`--name=${name}`] : ['--name', name];
}
