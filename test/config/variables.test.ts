import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  hasVariables,
  inputsIn,
  resolveVariables,
  type VariableLookups,
} from '../../src/config/variables.ts';
import { placeholder } from './import/examples.ts';

const env: Readonly<Record<string, string>> = { TOKEN: 'abc', EMPTY: '', 'ProgramFiles(x86)': 'C:\\p' };
const folders: Readonly<Record<string, string>> = { web: '/work/web', api: '/work/api' };

const lookups: VariableLookups = {
  env: (name) => env[name],
  input: (id) => (id === 'key' ? 'entered' : undefined),
  workspaceFolder: (name = 'web') => folders[name],
  userHome: '/home/maria',
  pathSeparator: '/',
};

function faultsOf(value: unknown, given: VariableLookups = lookups): string[] {
  return resolveVariables(value, given).faults.map(({ path, message }) => `${path.join('.')} ${message}`);
}

describe('placeholders', () => {
  for (const [name, value] of [
    ['env:TOKEN', 'abc'],
    ['env:EMPTY', ''],
    ['env:ProgramFiles(x86)', 'C:\\p'],
    ['env:EMPTY:-instead', 'instead'],
    ['env:MISSING:-https://api.example.com', 'https://api.example.com'],
    ['env:MISSING:-', ''],
    ['input:key', 'entered'],
    ['workspaceFolder', '/work/web'],
    ['workspaceFolder:api', '/work/api'],
    ['workspaceFolderBasename', 'web'],
    ['workspaceFolderBasename:api', 'api'],
    ['userHome', '/home/maria'],
    ['pathSeparator', '/'],
    ['/', '/'],
  ] as const) {
    it(`replaces ${placeholder(name)}`, () => {
      assert.deepEqual(resolveVariables(`a ${placeholder(name)} b`, lookups), {
        value: `a ${value} b`,
        faults: [],
      });
    });
  }

  it('replaces them in every string of plain data, and leaves keys and everything else alone', () => {
    const { value, faults } = resolveVariables(
      {
        [placeholder('env:TOKEN')]: [placeholder('env:TOKEN'), 3, true, null, undefined],
        args: [{ deep: `${placeholder('env:TOKEN')}-${placeholder('input:key')}` }],
      },
      lookups,
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(value, {
      [placeholder('env:TOKEN')]: ['abc', 3, true, null, undefined],
      args: [{ deep: 'abc-entered' }],
    });
  });

  it('says where each one stands that has no value, and what to do', () => {
    const words = faultsOf({
      url: `https://${placeholder('env:HOST')}/mcp`,
      headers: { Authorization: placeholder('input:token') },
      args: ['-y', placeholder('workspaceFolder:docs')],
    });
    assert.equal(words.length, 3);
    assert.match(
      words[0] ?? '',
      /^url holds "\$\{env:HOST\}", and the environment has no variable "HOST"\. Set it/,
    );
    assert.match(
      words[1] ?? '',
      /^headers\.Authorization holds "\$\{input:token\}", which has no value yet\./,
    );
    assert.match(words[2] ?? '', /^args\.1 holds .* no open folder has the name "docs"\./);
  });

  it('names the input whose value is missing, for whoever asks for it', () => {
    const { faults } = resolveVariables([placeholder('input:token'), placeholder('env:HOST')], lookups);
    assert.deepEqual(
      faults.map(({ input }) => input),
      ['token', undefined],
    );
  });

  for (const [name, advice] of [
    [
      'TOKEN',
      /For the variable of the environment write "\$\{env:TOKEN\}", for the text itself "\$\$\{TOKEN\}"/,
    ],
    ['config:editor.fontSize', /Write the value itself/],
    ['command:pick', /Write the value itself/],
    ['file', /Write the value itself/],
    ['', /Write the value itself/],
  ] as const) {
    it(`says what to write instead of ${placeholder(name)}`, () =>
      assert.match(faultsOf(placeholder(name))[0] ?? '', advice));
  }

  it('says that no folder is meant where none or several are open, and that there is no home', () => {
    const nowhere = { ...lookups, workspaceFolder: () => undefined, userHome: undefined };
    assert.match(faultsOf(placeholder('workspaceFolder'), nowhere)[0] ?? '', /none is open, or several are/);
    assert.match(
      faultsOf(placeholder('workspaceFolderBasename'), nowhere)[0] ?? '',
      /none is open, or several/,
    );
    assert.match(faultsOf(placeholder('userHome'), nowhere)[0] ?? '', /home folder is not known/);
  });

  it('replaces none where nothing is handed in', () => {
    const { faults } = resolveVariables(placeholder('userHome'), undefined);
    assert.match(faults[0]?.message ?? '', /which is not replaced here/);
  });

  it('leaves a text alone whose marks are doubled, but for one of them', () => {
    const { value, faults } = resolveVariables(`echo $${placeholder('HOME')} $HOME`, lookups);
    assert.equal(value, `echo ${placeholder('HOME')} $HOME`);
    assert.deepEqual(faults, []);
  });

  it('does not look into the values that it puts in', () => {
    const tricky = { ...lookups, input: () => placeholder('env:TOKEN') };
    assert.equal(resolveVariables(placeholder('input:key'), tricky).value, placeholder('env:TOKEN'));
  });

  it('lists the inputs that an entry asks for, each once', () => {
    const entry = {
      headers: { a: placeholder('input:one'), b: `${placeholder('input:two')}${placeholder('input:one')}` },
      args: [placeholder('env:TOKEN'), `$${placeholder('input:none')}`],
    };
    assert.deepEqual(inputsIn(entry), ['one', 'two']);
  });

  it('leaves texts without a placeholder as they are', () => {
    const text = fc.string({ unit: 'binary' }).filter((text) => !text.includes('${'));
    fc.assert(
      fc.property(text, (text) => {
        assert.deepEqual(resolveVariables(text, lookups), { value: text, faults: [] });
        assert.equal(hasVariables(text), false);
      }),
    );
  });

  it('gives a value or a fault for any text', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('$', '${', '}', ':-', 'env:', 'input:', 'workspaceFolder'),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const { value, faults } = resolveVariables(parts.join(''), lookups);
        assert.equal(typeof value, 'string');
        for (const { message } of faults) assert.match(message, /^holds "/);
      }),
    );
  });
});
