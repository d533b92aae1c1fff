import { parseSync, visitorKeys } from 'oxc-parser';

/** One import, export-from, `import()`, `import('x').Type` or `require()`; type-only ones too, for they are knowledge. */
export interface ImportSite {
  readonly specifier: string;
  readonly line: number;
}

/** A use of something of the platform that is not declared in the file itself: `fetch`, `Date.now`, `new Date()`. */
export interface GlobalUse {
  readonly name: string;
  readonly line: number;
}

export interface SourceFile {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ImportSite[];
  readonly globals: readonly GlobalUse[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** What the rules need to know of a TypeScript file. Throws for a file that does not parse. */
export function readSourceFile(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text);
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const lineOf = (node: Node) => text.slice(0, node.start).split('\n').length;
  const root = program as unknown as Node;
  return {
    path,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: importsBelow(root).map(({ node, specifier }) => ({ specifier, line: lineOf(node) })),
    globals: globalsBelow(root, []).map(({ node, name }) => ({ name, line: lineOf(node) })),
  };
}

function importsBelow(node: Node): { node: Node; specifier: string }[] {
  const specifier = text(importedBy(node));
  const own = specifier === undefined ? [] : [{ node, specifier }];
  return own.concat(children(node).flatMap((child) => importsBelow(child)));
}

function importedBy(node: Node): unknown {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return node.source;
    case 'TSExternalModuleReference':
      return node.expression;
    case 'CallExpression':
      return nameOf(node.callee) === 'require' ? (node.arguments as unknown[])[0] : undefined;
    default:
      return undefined;
  }
}

/** `scopes` holds the names that the file has declared around `node`: a parameter `fetch` hides the global. */
function globalsBelow(node: Node, scopes: readonly ReadonlySet<string>[]): { node: Node; name: string }[] {
  if (isType(node)) return [];
  const inner = opensScope(node) ? [...scopes, new Set(declaredIn(node))] : scopes;
  const name = globalName(node);
  const first = name?.split('.')[0] ?? '';
  if (name && !inner.some((scope) => scope.has(first))) {
    const rest = children(node).filter((child) => child.type !== 'Identifier');
    return [{ node, name }, ...rest.flatMap((child) => globalsBelow(child, inner))];
  }
  return referencingChildren(node).flatMap((child) => globalsBelow(child, inner));
}

/** `fetch`, `Date.now`, `globalThis.fetch` as `fetch`, and `new Date` or `Date()` without arguments as `new Date`. */
function globalName(node: Node): string | undefined {
  if (node.type === 'Identifier') return nameOf(node);
  if (node.type === 'NewExpression' || node.type === 'CallExpression') {
    const ofNow = nameOf(node.callee) === 'Date' && (node.arguments as unknown[]).length === 0;
    return ofNow ? 'new Date' : undefined;
  }
  if (node.type !== 'MemberExpression') return undefined;
  const object = globalName(node.object as Node);
  const property = node.computed ? text(node.property) : nameOf(node.property);
  if (!object || object.startsWith('new ') || !property) return undefined;
  return object === 'globalThis' ? property : `${object}.${property}`;
}

function opensScope(node: Node): boolean {
  return /^(Program|BlockStatement|StaticBlock|CatchClause|Class.*|.*Function.*|For.*Statement|SwitchStatement)$/.test(
    node.type,
  );
}

function declaredIn(node: Node): string[] {
  const parameters = [node.params, node.param].flat().filter(isNode);
  const heads = [node.id, node.init, node.left].filter(isNode);
  const statements = node.type === 'SwitchStatement' ? children(node).flatMap(children) : body(node);
  return [...parameters.flatMap(patternNames), ...[...heads, ...statements].flatMap(declarationNames)];
}

function body(node: Node): Node[] {
  return Array.isArray(node.body) ? node.body.filter(isNode) : [];
}

function declarationNames(node: Node): string[] {
  if (node.type === 'Identifier') return patternNames(node);
  if (node.type.startsWith('Export') && isNode(node.declaration)) return declarationNames(node.declaration);
  if (node.type === 'VariableDeclaration') {
    return (node.declarations as Node[]).flatMap(({ id }) => patternNames(id as Node));
  }
  if (node.type === 'ImportDeclaration') {
    return (node.specifiers as Node[]).flatMap(({ local }) => patternNames(local as Node));
  }
  const named = node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration';
  return named && isNode(node.id) ? patternNames(node.id) : [];
}

function patternNames(pattern: Node): string[] {
  if (pattern.type === 'Identifier') return [nameOf(pattern) ?? ''];
  if (pattern.type === 'AssignmentPattern') return patternNames(pattern.left as Node);
  if (pattern.type === 'Property') return patternNames(pattern.value as Node);
  return children(pattern)
    .filter((child) => !isType(child))
    .flatMap(patternNames);
}

/** Without the names that are only names: `x` in `a.x`, in `{ x: 1 }`, in `x() {}`. */
function referencingChildren(node: Node): Node[] {
  const isName = (child: Node) => !node.computed && (child === node.property || child === node.key);
  return children(node).filter((child) => !isName(child));
}

/** Types do nothing at run time; the wrappers `x as T`, `x satisfies T`, `x!` hold an expression that does. */
function isType(node: Node): boolean {
  return node.type.startsWith('TS') && !('expression' in node);
}

function children(node: Node): Node[] {
  return (visitorKeys[node.type] ?? []).flatMap((key) => node[key]).filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' ? (value.name as string) : undefined;
}

/** The value of a literal string. */
function text(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  const literal = value.type === 'TSLiteralType' ? value.literal : value;
  return isNode(literal) && typeof literal.value === 'string' ? literal.value : undefined;
}
