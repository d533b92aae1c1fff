import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Interruption,
  mayReplay,
  type ReplayPolicy,
  type ToolHints,
} from '../../src/protocol/replay.ts';

const call = { method: 'tools/call', params: { name: 'append' } };
const replayed = (interruption: Interruption, hints?: ToolHints, policy?: ReplayPolicy) =>
  mayReplay(call, interruption, hints, policy).replay;

describe('the replay rule', () => {
  it('sends again whatever was refused before it ran', () => {
    for (const policy of ['hints', 'always', 'never'] as const)
      assert.ok(replayed('notExecuted', {}, policy));
    assert.ok(mayReplay({ method: 'anything/else' }, 'notExecuted', undefined).replay);
  });

  it('sends again what a busy server refused, unless the policy for the tool is never', () => {
    assert.ok(replayed('refused', {}));
    assert.ok(replayed('refused', {}, 'always'));
    assert.equal(replayed('refused', { readOnlyHint: true }, 'never'), false);
    assert.ok(mayReplay({ method: 'tools/list' }, 'refused', undefined, 'never').replay);
  });

  it('does not call a tool again that may have run', () => {
    assert.equal(replayed('unknown'), false);
    assert.equal(replayed('unknown', {}), false);
    assert.equal(replayed('unknown', { readOnlyHint: false, idempotentHint: false }), false);
  });

  it('calls a tool again that calls itself read-only or idempotent', () => {
    assert.ok(replayed('unknown', { readOnlyHint: true }));
    assert.ok(replayed('unknown', { idempotentHint: true }));
  });

  it('lets the user overrule the hints, both ways', () => {
    assert.equal(replayed('unknown', { readOnlyHint: true }, 'never'), false);
    assert.ok(replayed('unknown', {}, 'always'));
  });

  it('repeats methods without an effect, and no method that it does not know', () => {
    for (const method of ['ping', 'tools/list', 'resources/read', 'prompts/get', 'completion/complete']) {
      assert.ok(mayReplay({ method }, 'unknown', undefined).replay, method);
    }
    for (const method of ['tools/call', 'tasks/cancel', 'vendor/act', '']) {
      assert.equal(mayReplay({ method }, 'unknown', undefined).replay, false, method);
    }
  });

  it('never repeats what may have run unless something says that it is safe', () => {
    const hints = fc.option(fc.record({ readOnlyHint: fc.boolean(), idempotentHint: fc.boolean() }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(hints, fc.constantFrom<ReplayPolicy>('hints', 'always', 'never'), (given, policy) => {
        const isSafe =
          policy === 'always' || (policy === 'hints' && (given?.readOnlyHint || given?.idempotentHint));
        assert.equal(replayed('unknown', given, policy), Boolean(isSafe));
      }),
    );
  });

  it('says why', () => {
    assert.equal(mayReplay(call, 'unknown', {}).because, 'the tool is neither read-only nor idempotent');
    assert.equal(mayReplay(call, 'notExecuted', {}).because, 'it did not run');
  });
});
