import assert from 'node:assert/strict';
import { inputOf } from '../../src/protocol/tool-input.ts';

const schema = {
  type: 'object',
  properties: { path: { type: 'string', description: 'Where it is' }, title: { type: 'string' } },
  required: ['path', 'title'],
};
const input = inputOf({ inputSchema: schema });

describe('what a tool takes', () => {
  it('is the same whatever the order of keys and sets, and whatever is said to a reader', () => {
    const other = {
      required: ['title', 'path'],
      properties: { title: { type: 'string' }, path: { description: 'The path, today', type: 'string' } },
      description: 'new',
      type: 'object',
    };
    assert.equal(inputOf({ inputSchema: other }), input);
  });

  for (const [what, other] of Object.entries({
    'a property is gone, though it bears the name of a keyword for readers': {
      ...schema,
      properties: { path: schema.properties.path },
    },
    'a property is of another type': {
      ...schema,
      properties: { ...schema.properties, path: { type: 'number' } },
    },
    'a property is required that was not': { ...schema, required: ['path'] },
    'the order of a list means something': { ...schema, prefixItems: [{ type: 'string' }] },
    'there is none': undefined,
  })) {
    it(`is another when ${what}`, () => assert.notEqual(inputOf({ inputSchema: other }), input));
  }

  it('takes a schema of any depth', () => {
    let deep: Record<string, unknown> = {};
    for (let depth = 0; depth < 10_000; depth++) deep = { items: deep };
    assert.equal(typeof inputOf({ inputSchema: deep }), 'string');
  });
});
