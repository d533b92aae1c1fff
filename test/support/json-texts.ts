import fc from 'fast-check';

/** Numbers in ways of writing them that a JavaScript program does not keep. */
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.constantFrom(
    '1.0',
    '-0',
    '-0.0',
    '0e0',
    '1E+2',
    '1e-400',
    '1e400',
    '9007199254740993',
    '0.1000000000000000055',
  ),
);

/** Characters as themselves or escaped, half pairs included. */
const character = fc.oneof(
  fc
    .string({ minLength: 1, maxLength: 1, unit: 'grapheme' })
    .map((each) => JSON.stringify(each).slice(1, -1)),
  fc.constantFrom(
    '\\/',
    '\\n',
    '\\u000a',
    '\\u0041',
    '\\ud83d',
    '\\uDE00',
    '\\ud83d\\ude00',
    '\u2028',
    '\u2029',
    '\u007f',
  ),
);
const string = fc.array(character, { maxLength: 40 }).map((parts) => `"${parts.join('')}"`);

/** A key that is named twice is one of few. */
const key = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('"a"', '"b"', '"\\u0061"', '"id"', '"__proto__"') },
  string,
);

const spaces = fc.constantFrom('', '', '', ' ', '\n', '\r\n', '\t  ');

/** A JSON text of any kind, written in any of the ways that JSON allows. */
export const { value: jsonText, object: jsonObject } = fc.letrec<{
  value: string;
  object: string;
  array: string;
}>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    number,
    string,
    fc.constantFrom('true', 'false', 'null'),
    tie('array'),
    tie('object'),
  ),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 4 }), spaces)
    .map(([each, space]) => `[${space}${each.join(`${space},${space}`)}${space}]`),
  object: fc
    .tuple(fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }), spaces)
    .map(
      ([each, space]) =>
        `{${space}${each.map(([name, value]) => `${name}${space}:${space}${value}`).join(`${space},`)}${space}}`,
    ),
}));
