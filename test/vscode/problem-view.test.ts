import assert from 'node:assert/strict';
import { problemLines, problemWarning } from '../../src/vscode/settings/problem-view.ts';

const problem = (name: string) => ({
  key: `resilientMcp.servers["${name}"].url`,
  message: 'must be an address.',
});

describe('the warning about the setting', () => {
  it('names the key and what to do', () => {
    assert.equal(problemWarning([problem('a')]), 'resilientMcp.servers["a"].url must be an address.');
  });

  it('is one warning for many problems', () => {
    assert.match(
      problemWarning([problem('a'), problem('b')]),
      /\["a"\].*\(and 1 more problem, see the log\)$/,
    );
    assert.match(
      problemWarning([problem('a'), problem('b'), problem('c')]),
      /\(and 2 more problems, see the log\)$/,
    );
    assert.equal(problemWarning([]), '');
  });

  it('is one line of the log per problem', () => {
    assert.deepEqual(problemLines([problem('a\nb')]), [
      'settingNotUsable key="resilientMcp.servers[\\"a\\nb\\"].url" must be an address.',
    ]);
  });
});
