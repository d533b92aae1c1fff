import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Handshake } from '../../src/endpoint/handshake.ts';
import { SessionIds } from '../../src/server/ids/session-id.ts';

const keyA = 'a'.repeat(40);
const keyB = 'b'.repeat(40);
const day = 24 * 60 * 60_000;
const at = 1_800_000_000_000;

function ids(options: Partial<ConstructorParameters<typeof SessionIds>[0]> = {}): SessionIds {
  return new SessionIds({ keys: [keyA], scope: '', maxLength: 2048, maxAgeMs: 30 * day, ...options });
}

const handshake: Handshake = {
  protocolVersion: '2025-11-25',
  clientInfo: { name: 'naïve ☂ client', version: '1.0.0' },
  capabilities: { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } },
};

const { id } = ids().issue(handshake, 'someone', 'n'.repeat(22), at);

describe('a signed session id', () => {
  it('is visible ASCII, of bounded length, and starts with what tells it apart', () => {
    assert.match(id, /^[\x21-\x7e]+$/);
    assert.ok(id.length < 512, `${id.length} characters`);
    assert.ok(id.startsWith('nnnnnnnn'));
    assert.ok(
      !id.includes('someone') && !Buffer.from(id.split('.')[1] ?? '', 'base64url').includes('someone'),
    );
  });

  it('gives back the handshake of any client that fits, and when it was issued', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    const capability = fc.constantFrom('sampling', 'elicitation', 'roots', 'experimental');
    fc.assert(
      fc.property(
        text,
        text,
        fc.uniqueArray(capability),
        fc.option(text),
        (name, version, has, principal) => {
          const capabilities = Object.fromEntries(has.map((key) => [key, {}]));
          const said = { protocolVersion: '2025-06-18', clientInfo: { name, version }, capabilities };
          const issued = ids().issue(said, principal ?? undefined, 'nonce', at);
          const proof = ids().check(issued.id, principal ?? undefined, at + day);
          assert.equal(issued.carriesHandshake, true);
          assert.deepEqual(proof, { kind: 'ours', issuedAt: at, handshake: said });
        },
      ),
    );
  });

  it('stays within its length whatever the client says of itself, and then leaves that out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), (length) => {
        const said = { ...handshake, clientInfo: { name: 'x'.repeat(length), version: '1' } };
        const issued = ids().issue(said, 'someone', 'n'.repeat(32), at);
        assert.ok(issued.id.length <= 2048);
        const proof = ids().check(issued.id, 'someone', at);
        assert.equal(proof.kind, 'ours');
        assert.equal(proof.kind === 'ours' && proof.handshake !== undefined, issued.carriesHandshake);
      }),
    );
  });

  it('is no longer ours with any one bit changed', () => {
    const bytes = Buffer.from(id, 'latin1');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.deepEqual(
        ids().check(changed.toString('latin1'), 'someone', at),
        { kind: 'unknown' },
        `bit ${bit}`,
      );
    }
  });

  it('is no longer ours with anything cut off, added, or moved', () => {
    for (let length = 0; length < id.length; length += 1) {
      assert.equal(ids().check(id.slice(0, length), 'someone', at).kind, 'unknown');
      assert.equal(ids().check(id.slice(id.length - length), 'someone', at).kind, 'unknown');
    }
    const other = ids().issue(handshake, 'another', 'm'.repeat(22), at).id;
    const [nonce, , signature] = id.split('.');
    assert.equal(ids().check(`${nonce}.${other.split('.')[1]}.${signature}`, 'another', at).kind, 'unknown');
    assert.equal(ids().check(`${id}=`, 'someone', at).kind, 'unknown');
    assert.equal(ids().check(`x.${id}`, 'someone', at).kind, 'unknown');
  });

  it('cannot be guessed: any text is unknown, and an answer', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc
        .tuple(fc.string(), fc.base64String(), fc.base64String({ minLength: 43, maxLength: 44 }))
        .map((p) => p.join('.')),
    );
    fc.assert(
      fc.property(anything, (text) => assert.equal(ids().check(text, undefined, at).kind, 'unknown')),
      { numRuns: 10_000 },
    );
  });

  it('is good until it is maxAgeMs old, and not a second longer', () => {
    const check = (age: number) => ids().check(id, 'someone', at + age).kind;
    assert.equal(check(30 * day), 'ours');
    assert.equal(check(30 * day + 1000), 'expired');
  });

  it('is good for the principal that it was issued to, and for nobody else', () => {
    const nobody = ids().issue(handshake, undefined, 'nonce', at).id;
    assert.equal(ids().check(id, 'someone', at).kind, 'ours');
    for (const principal of ['another', '', undefined]) {
      assert.equal(ids().check(id, principal, at).kind, 'foreign');
    }
    assert.equal(ids().check(nobody, undefined, at).kind, 'ours');
    assert.equal(ids().check(nobody, 'someone', at).kind, 'foreign');
    assert.equal(ids().check(nobody, '', at).kind, 'foreign');
  });

  it('means nothing under another key or in another scope', () => {
    assert.equal(ids({ keys: [keyB] }).check(id, 'someone', at).kind, 'unknown');
    assert.equal(ids({ scope: 'notes' }).check(id, 'someone', at).kind, 'unknown');
  });

  it('survives a change of keys as long as its own is among the accepted', () => {
    const after = ids({ keys: [keyB, keyA] });
    assert.equal(after.check(id, 'someone', at).kind, 'ours');
    const fresh = after.issue(handshake, 'someone', 'nonce', at).id;
    assert.equal(ids({ keys: [keyB] }).check(fresh, 'someone', at).kind, 'ours');
    assert.equal(ids({ keys: [keyA] }).check(fresh, 'someone', at).kind, 'unknown');
  });
});
