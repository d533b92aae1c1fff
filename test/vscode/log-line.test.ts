import assert from 'node:assert/strict';
import type { HubFact } from '../../src/hub/facts.ts';
import { renderLogLine } from '../../src/vscode/text/log-line.ts';

const lineOf = (fact: HubFact['fact']) => renderLogLine({ server: 'github', at: 0, fact });

describe('a line of the log', () => {
  it('is one fact with its server and its fields', () => {
    const { level, line } = lineOf({
      kind: 'sessionReplaced',
      generation: 2,
      previous: 1,
      cause: '404 to tools/call: Session not found',
      durationMs: 42,
    });
    assert.equal(level, 'info');
    assert.equal(
      line,
      'sessionReplaced server=github generation=2 previous=1 cause="404 to tools/call: Session not found" durationMs=42',
    );
  });

  it('has the level of its kind', () => {
    assert.equal(lineOf({ kind: 'connectionDown', generation: 1, reason: 'x' }).level, 'error');
    assert.equal(lineOf({ kind: 'sessionLost', generation: 1, evidence: 'x' }).level, 'warn');
    assert.equal(lineOf({ kind: 'streamOpened', generation: 1 }).level, 'debug');
  });

  it('never holds a whole session id, wherever it comes from', () => {
    const session = '550e8400-e29b-41d4-a716-446655440000';
    const opened = lineOf({
      kind: 'sessionOpened',
      generation: 1,
      session,
      protocolVersion: '2025-11-25',
      server: 'everything 1.0.0',
      durationMs: 5,
    });
    assert.match(opened.line, /server=github .*implementation="everything 1\.0\.0" .*session=550e8400… /);
    const lost = lineOf({ kind: 'sessionLost', generation: 1, evidence: `no session ${session}` });
    assert.match(lost.line, /evidence="no session 550e8400…"/);
    assert.match(
      lineOf({ ...opened, kind: 'sessionEnded', generation: 1, outcome: 'deleted' }).line,
      /deleted/,
    );
  });

  it('stays one line whatever a server says', () => {
    const { line } = lineOf({
      kind: 'sessionLost',
      generation: 1,
      evidence: 'x\n2026 [info] sessionOpened server=a',
    });
    assert.equal(line.split('\n').length, 1);
    assert.match(line, /evidence="x\\n2026/);
  });

  it('holds nothing that a terminal obeys or that turns its reading (issue 14, §6)', () => {
    const { line } = lineOf({ kind: 'sessionLost', generation: 1, evidence: 'x\u009b31m\u202e\u2028' });
    assert.match(line, /evidence="x\\u009b31m\\u202e\\u2028"$/);
  });

  it('cuts long values and leaves out what is undefined', () => {
    const reason = 'no '.repeat(400);
    const { line } = lineOf({
      kind: 'requestFailed',
      generation: 1,
      method: 'tools/call',
      tool: undefined,
      code: 'HTTP_STATUS',
      reason,
    });
    assert.ok(line.length < 650);
    assert.doesNotMatch(line, /tool=/);
  });

  it('joins lists', () => {
    assert.match(
      lineOf({ kind: 'serverChanged', generation: 2, what: ['tools', 'prompts'] }).line,
      /what=tools,prompts$/,
    );
  });
});
