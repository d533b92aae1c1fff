import assert from 'node:assert/strict';
import type { Layer } from '../../src/config/layers.ts';
import { parseServers } from '../../src/config/server-config.ts';
import type { VariableLookups } from '../../src/config/variables.ts';
import { placeholder } from './import/examples.ts';

const FOLDER = '/home/maria/project';
const read: string[] = [];
const lookups = (layer: Layer): VariableLookups => ({
  env: (name) => (name === 'PROJECT' ? FOLDER : undefined),
  input: (id) => (layer === 'user' ? `the user’s ${id}` : undefined),
  workspaceFolder: () => FOLDER,
  userHome: '/home/maria',
  pathSeparator: '/',
  startFolder: layer === 'workspace' ? FOLDER : undefined,
  envFile: (path) => {
    read.push(path);
    return { FROM: path };
  },
});

const program = { command: 'npx', args: ['-y', 'some-server'], env: { TOKEN: placeholder('input:token') } };
const folder = placeholder('workspaceFolder');

describe('an entry of the user, in a folder that is not trusted', () => {
  const inFolder = (entry: object, untrusted: readonly string[] | undefined = [FOLDER]) =>
    parseServers({ own: entry }, undefined, lookups, untrusted);

  for (const [key, how, entry] of [
    ['cwd', 'folder', { ...program, cwd: folder }],
    ['cwd', 'folder', { ...program, cwd: `${FOLDER}/sub` }],
    ['cwd', 'folder', { ...program, cwd: '/home/maria/other/../project' }],
    ['args', 'folder', { ...program, args: ['--require=/home/maria/./x/..//project/evil.js'] }],
    ['cwd', 'relative', { ...program, cwd: 'sub' }],
    ['cwd', 'relative', { ...program, cwd: '.' }],
    ['command', 'folder', { ...program, command: `${folder}/node_modules/.bin/some-server` }],
    ['command', 'folder', { ...program, command: `${placeholder('env:PROJECT')}/server` }],
    ['command', 'relative', { ...program, command: './server' }],
    ['command', 'relative', { ...program, command: 'node_modules/.bin/some-server' }],
    ['args', 'folder', { ...program, args: [folder] }],
    ['args', 'folder', { ...program, args: [`--require=${folder}/evil.js`] }],
    ['args', 'relative', { ...program, args: ['-r', './evil.js'] }],
    ['args', 'relative', { ...program, args: ['--config=../evil.json'] }],
    ['args', 'relative', { ...program, args: ['.'] }],
    ['env', 'folder', { ...program, env: { NODE_OPTIONS: `--require=${folder}/evil.js` } }],
    ['envFile', 'folder', { ...program, envFile: `${folder}/.env` }],
    ['envFile', 'relative', { ...program, envFile: '.env' }],
    ['module', 'folder', { module: `${folder}/server.ts` }],
    ['module', 'relative', { module: 'server.ts' }],
  ] as const) {
    it(`waits where its ${key} ${how === 'folder' ? 'names it' : 'is relative'}: ${JSON.stringify(entry)}`, () => {
      read.length = 0;
      const { servers, problems, waiting } = inFolder(entry);
      assert.deepEqual([servers, problems], [[], []]);
      const target = 'module' in entry ? entry.module : entry.command;
      assert.deepEqual(waiting, [{ name: 'own', target, key, how }]);
      assert.deepEqual(read, []);
      const trusted = parseServers({ own: entry }, undefined, lookups);
      assert.deepEqual([trusted.servers.length, trusted.waiting], [1, []]);
    });
  }

  it('starts at once where nothing of it has to do with the folder', () => {
    for (const entry of [
      program,
      { ...program, args: ['-y', '@scope/server', '--root', '/home/maria/projects', '...', 'a.b/c'] },
      { ...program, command: '/usr/bin/server', cwd: '/srv', envFile: '/home/maria/.env' },
      { module: '/home/maria/server.ts' },
      { url: 'https://api.example/mcp', headers: { 'X-Root': folder } },
    ]) {
      const { servers, waiting } = inFolder(entry);
      assert.deepEqual([servers.length, waiting], [1, []], JSON.stringify(entry));
    }
  });

  it('says nothing where it is switched off, and waits with no folder only for what is relative', () => {
    assert.deepEqual(inFolder({ ...program, cwd: folder, enabled: false }).waiting, []);
    assert.deepEqual(inFolder(program, []).waiting, []);
    assert.equal(inFolder({ ...program, cwd: 'sub' }, []).waiting.length, 1);
  });
});

describe('where a program starts', () => {
  it('is the folder for an entry of the workspace, and not for one of the user', () => {
    const { servers } = parseServers({ own: program }, { theirs: { command: 'npx' } }, lookups);
    assert.deepEqual(
      servers.map((server) => server.type === 'stdio' && [server.name, server.startFolder]),
      [
        ['own', undefined],
        ['theirs', FOLDER],
      ],
    );
    const [module] = parseServers({}, { theirs: { module: './server.ts' } }, lookups).servers;
    assert.ok(module?.type === 'module');
    assert.equal(module.startFolder, FOLDER);
  });
});

describe('an entry of a workspace over one of the user', () => {
  const over = (entry: object, user: object = program) => {
    const { servers, problems } = parseServers({ own: user }, { own: entry }, lookups);
    return { server: servers[0], problems };
  };

  it('may switch enabled, shared and endSession', () => {
    assert.equal(over({ enabled: false }).server, undefined);
    const { server } = over({ shared: true, enabled: true });
    assert.ok(server?.type === 'stdio');
    assert.deepEqual(
      [server.shared, server.env, server.startFolder],
      [true, { TOKEN: 'the user’s token' }, undefined],
    );
    const http = over({ endSession: false }, { url: 'https://api.example/mcp', headers: { A: 'b' } }).server;
    assert.ok(http?.type === 'http');
    assert.deepEqual([http.endSession, http.headers], [false, { A: 'b' }]);
  });

  it('may make replay stricter, for all tools and for single ones', () => {
    const user = { ...program, replay: { tools: { search: 'always' } } };
    const { server } = over({ replay: { default: 'never', tools: { search: 'hints' } } }, user);
    assert.deepEqual(server?.replay, { default: 'never', tools: { search: 'hints' } });
    assert.deepEqual(over({ replay: { tools: { book: 'never' } } }, user).server?.replay, {
      default: 'hints',
      tools: { search: 'always', book: 'never' },
    });
  });

  for (const change of [
    { env: { NODE_OPTIONS: `--require=${folder}/evil.js` } },
    { envFile: `${folder}/.env` },
    { headers: { 'X-Copy': 'x' } },
    { replay: { default: 'always' } },
    { replay: { tools: { book: 'always' } } },
    { replay: 'never' },
    { cwd: folder },
    { args: ['evil'] },
    { somethingNew: 1, shared: true },
  ]) {
    it(`replaces it whole with any other key, without its values: ${JSON.stringify(change)}`, () => {
      const { server, problems } = over(change);
      assert.equal(server, undefined);
      assert.ok(problems.length > 0);
      const words = problems.map(({ message }) => message).join(' ');
      assert.match(words, /may only switch "enabled", "shared" and "endSession", and make "replay" stricter/);
      const whole = over({ ...change, command: 'theirs' }).server;
      if (whole) assert.ok(whole.type === 'stdio' && whole.command === 'theirs' && !('TOKEN' in whole.env));
    });
  }
});
