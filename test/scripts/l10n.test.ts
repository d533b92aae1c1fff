import assert from 'node:assert/strict';
import { join } from 'node:path';
import { messagesOf, readBundle, translationProblems, translations } from '../../scripts/messages.ts';

const root = join(import.meta.dirname, '../..');
const files = translations(root);

describe('what the extension says', () => {
  for (const { file, texts, translated } of files) {
    it(`is in ${file} as the sources have it`, () => {
      assert.deepEqual(readBundle(root, file), texts, 'run `npm run l10n`');
      assert.ok(Object.keys(texts).length > 30);
    });

    it(`has its German in the place of ${file}, complete, with the same marks and no more`, () => {
      const german = file.replace('.json', '.de.json');
      assert.ok(translated.includes(german));
      for (const other of translated) {
        assert.deepEqual(translationProblems(texts, readBundle(root, other)), [], other);
      }
    });
  }

  it('has no English left in the German: but for names and units, each text differs', () => {
    const kept = files.flatMap(({ file, texts }) => {
      const german = readBundle(root, file.replace('.json', '.de.json'));
      return Object.entries(texts).filter(
        ([key, text]) => german[key] === text && /\b(the|of|is|to|a)\b/.test(text),
      );
    });
    assert.deepEqual(kept, []);
  });
});

describe('the search for messages', () => {
  it('finds every call of t, by itself, of l10n and of an object that keeps it', () => {
    const text =
      "t('one'); l10n.t('two {0}', t(`three`)); this.#t('four'); context.t('five'); at('not'); t.x('not');";
    assert.deepEqual(messagesOf('a.ts', text), ['one', 'two {0}', 'three', 'four', 'five']);
  });

  for (const message of ['words', "isOne ? 'one' : 'many'", `\`of \${name}\``, "'a' + 'b'", '']) {
    it(`refuses a message that it cannot read off the source: t(${message})`, () => {
      assert.throws(() => messagesOf('a.ts', `\nt(${message});`), /^Error: a\.ts:2: the message of t\(\)/);
    });
  }
});

describe('the comparison of a translation', () => {
  const problems = (text: string, translation: string) =>
    translationProblems({ key: text }, { key: translation });

  it('names what is not translated and what is translated for nothing', () => {
    assert.deepEqual(translationProblems({ a: 'A' }, { b: 'B' }), [
      'not translated: "a": "A"',
      'no message any more: "b"',
    ]);
  });

  it('takes values in another order, and names one that is lost or made up', () => {
    assert.deepEqual(problems('{0} of {1}', 'von {1} {0}'), []);
    assert.deepEqual(problems('{0} of {1}', '{0} von allen'), [
      '"key" holds other marks: {0} in place of {0} {1}',
    ]);
    assert.equal(problems('none', '{0}').length, 1);
  });

  it('names changed code, icons and links', () => {
    assert.deepEqual(problems('[Open](command:a) `b` $(c)', '$(c) `b` [Öffnen](command:a)'), []);
    for (const other of [
      '[Öffnen](command:x) `b` $(c)',
      '[Öffnen](command:a) `x` $(c)',
      '[Öffnen](command:a) `b`',
    ]) {
      assert.equal(problems('[Open](command:a) `b` $(c)', other).length, 1, other);
    }
  });
});
