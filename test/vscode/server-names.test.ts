import assert from 'node:assert/strict';
import fc from 'fast-check';
import { endpointName, serverLabels } from '../../src/vscode/text/server-names.ts';

describe('the name of a server in its address', () => {
  for (const name of ['github', 'GitHub_2', 'a.b~c-d']) {
    it(`is ${name} itself`, () => assert.equal(endpointName(name), name));
  }

  it('is readable, and one of its own, where the name has other characters', () => {
    assert.match(endpointName('My Server'), /^my-server-[0-9a-f]{8}$/);
    assert.notEqual(endpointName('My Server'), endpointName('my server'));
    assert.match(endpointName('気象'), /^[0-9a-f]{8}$/);
    assert.match(endpointName('..'), /^[0-9a-f]{8}$/);
  });

  it('is the same for every reader, and short', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 }), (name) => {
        const path = endpointName(name);
        assert.ok(path.length <= 64, path);
        assert.equal(new URL(`http://127.0.0.1/${path}/mcp`).pathname, `/${path}/mcp`);
        assert.equal(decodeURIComponent(path), path);
      }),
    );
  });
});

describe('the labels of servers in the editor', () => {
  it('are none that a configuration of the editor would have', () => {
    assert.deepEqual(
      [...serverLabels(['github', 'notes'])],
      [
        ['github', 'github-resilient'],
        ['notes', 'notes-resilient'],
      ],
    );
  });

  it('differ in more than upper and lower case', () => {
    const labels = [...serverLabels(['a', 'A', 'a-resilient', 'b']).values()];
    assert.equal(new Set(labels.map((label) => label.toLowerCase())).size, 4);
    assert.equal(labels[1], 'A-resilient-2');
  });
});
