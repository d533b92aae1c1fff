import type { ElicitRequestFormParams } from '@modelcontextprotocol/sdk/types.js';

type Requested = ElicitRequestFormParams['requestedSchema'];

export const userDetails: Requested = {
  type: 'object',
  properties: {
    username: { type: 'string', description: 'A name' },
    email: { type: 'string', description: 'An address' },
  },
  required: ['username', 'email'],
};

/** A default for each primitive type (SEP-1034); the suite looks for these values. */
export const person: Requested = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
};

const titled = ['First', 'Second', 'Third'].map((title, index) => ({ const: `value${index + 1}`, title }));
const options = ['option1', 'option2', 'option3'];

/** Each way to offer choices (SEP-1330). */
export const choices: Requested = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: options },
    titledSingle: { type: 'string', oneOf: titled },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
    titledMulti: { type: 'array', items: { anyOf: titled } },
  },
};

/** Keywords of JSON Schema 2020-12 that have to reach the client as they are (SEP-1613). */
export const jsonSchemaTool = {
  name: 'json_schema_2020_12_tool',
  description: 'Its schema uses JSON Schema 2020-12.',
  inputSchema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object' as const,
    $defs: {
      address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } },
    },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  },
};
