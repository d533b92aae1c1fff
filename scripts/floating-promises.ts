import { join } from 'node:path';
import {
  type Expression,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isExpressionStatement,
  isParenthesizedExpression,
  isPropertyAccessExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast';
import {
  API,
  type Checker,
  type Project,
  SignatureKind,
  type Type,
  TypeFlags,
} from 'typescript/unstable/sync';

/** A promise that nobody waits for, and whose failure nobody takes. */
export interface FloatingPromise {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

const nothing = TypeFlags.Void | TypeFlags.Undefined | TypeFlags.Null | TypeFlags.Never;
const assignments: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.EqualsToken,
  SyntaxKind.QuestionQuestionEqualsToken,
  SyntaxKind.BarBarEqualsToken,
  SyntaxKind.AmpersandAmpersandEqualsToken,
]);
const branches: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.QuestionQuestionToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.AmpersandAmpersandToken,
]);

/**
 * Statements in the files of some projects whose value is a promise, alone or in an array, that is neither waited for,
 * kept, given a handler of its failure, nor marked with `void`.
 *
 * The compiler itself says what is a promise. That part of it is not yet promised to stay as it is; the version is the
 * one of package-lock.json.
 *
 * @param configs paths of tsconfig.json files
 */
export function floatingPromises(root: string, configs: readonly string[]): FloatingPromise[] {
  const api = new API({ cwd: root });
  try {
    const snapshot = api.updateSnapshot({ openProjects: configs.map((config) => join(root, config)) });
    return configs.flatMap((config) => {
      const project = snapshot.getProject(join(root, config));
      if (!project?.rootFiles.length) throw new Error(`${config} has no files to look at`);
      return inProject(project);
    });
  } finally {
    api.close();
  }
}

function inProject({ rootFiles, program, checker }: Project): FloatingPromise[] {
  const types = new Map<number, boolean>();
  return rootFiles.flatMap((path) => {
    const file = program.getSourceFile(path);
    if (!file) throw new Error(`the compiler does not have ${path}`);
    const values = valuesIn(file);
    const found = checker.getTypeAtLocation(values);
    return values
      .filter((_, index) => floats(checker, found[index], types))
      .map((value) => placeOf(file, value));
  });
}

function placeOf(file: SourceFile, value: Node): FloatingPromise {
  const start = value.getStart(file);
  const line = file.text.slice(0, start).split('\n').length;
  return { file: file.fileName, line, text: file.text.slice(start, value.end).split('\n', 1)[0] ?? '' };
}

/** Every expression of a file whose value nobody takes. */
function valuesIn(file: SourceFile): Expression[] {
  const values: Expression[] = [];
  const visit = (node: Node): undefined => {
    if (isExpressionStatement(node)) values.push(...untaken(node.expression));
    node.forEachChild(visit);
  };
  visit(file);
  return values;
}

/** The parts of an expression that may be its value. */
function untaken(value: Expression): Expression[] {
  if (isParenthesizedExpression(value)) return untaken(value.expression);
  if (isConditionalExpression(value)) return [...untaken(value.whenTrue), ...untaken(value.whenFalse)];
  if (isBinaryExpression(value)) {
    const operator = value.operatorToken.kind;
    if (operator === SyntaxKind.CommaToken) return [...untaken(value.left), ...untaken(value.right)];
    if (branches.has(operator)) return untaken(value.right);
    if (assignments.has(operator)) return [];
  }
  return value.kind === SyntaxKind.VoidExpression ||
    value.kind === SyntaxKind.AwaitExpression ||
    isHandled(value)
    ? []
    : [value];
}

/** `….catch(handler)`, `….then(_, handler)`, and `….finally(…)` of one of these. */
function isHandled(value: Expression): boolean {
  if (!isCallExpression(value) || !isPropertyAccessExpression(value.expression)) return false;
  const { name, expression } = value.expression;
  const given = value.arguments.length;
  if (name.text === 'catch') return given >= 1;
  if (name.text === 'then') return given >= 2;
  return name.text === 'finally' && isHandled(expression);
}

function floats(checker: Checker, type: Type | undefined, known: Map<number, boolean>): boolean {
  if (!type || (type.flags & nothing) !== 0) return false;
  let answer = known.get(type.id);
  if (answer === undefined) {
    answer = isPromise(checker, type) || holdsPromises(checker, type, known);
    known.set(type.id, answer);
  }
  return answer;
}

function isPromise(checker: Checker, type: Type): boolean {
  if (type.isUnionType()) return type.getTypes().some((part) => isPromise(checker, part));
  const then = checker.getPropertyOfType(type, 'then');
  const thenType = then && checker.getTypeOfSymbol(then);
  if (!thenType) return false;
  return checker.getSignaturesOfType(thenType, SignatureKind.Call).length > 0;
}

function holdsPromises(checker: Checker, type: Type, known: Map<number, boolean>): boolean {
  if (!type.isObjectType() || !type.isTypeReference() || !checker.isArrayLikeType(type)) return false;
  return checker.getTypeArguments(type).some((part) => floats(checker, part, known));
}
