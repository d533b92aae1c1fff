import assert from 'node:assert/strict';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { LATEST_REVISION } from '../../src/protocol/http/headers.ts';

describe('the revision that a handshake of our own asks for', () => {
  it('is the newest that the SDK knows', () => {
    assert.equal(LATEST_REVISION, LATEST_PROTOCOL_VERSION);
  });
});
