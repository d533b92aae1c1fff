import assert from 'node:assert/strict';
import { scratchFolder } from '../support/scratch.ts';
import { Running } from './running.ts';

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using running = new Running(args, { env: { ...process.env, ...env } });
  running.input.end();
  const code = await running.exitCode;
  return { code, out: running.out.join('\n'), err: running.err.join('\n') };
}

const url = 'http://127.0.0.1:1/mcp';

describe('the words of the command line', () => {
  for (const command of ['attach', 'bridge', 'gateway', 'serve']) {
    it(`have a help for ${command}, whatever else is wrong with them`, async () => {
      for (const flag of ['--help', '-h']) {
        const { code, out } = await run([command, '--nonsense', flag]);
        assert.equal(code, 0);
        assert.match(out, new RegExp(`^Usage: resilient-mcp ${command}`));
      }
    });
  }

  it('have an example in every help', async () => {
    for (const command of [[], ['attach'], ['bridge'], ['doctor'], ['gateway'], ['serve']]) {
      const { out } = await run([...command, '--help']);
      assert.match(out, new RegExp(`^Examples?:\n {2}resilient-mcp ${command[0] ?? 'doctor'} `, 'm'));
    }
  });

  it('have a version, after a command too, and a list of the commands', async () => {
    assert.match((await run(['bridge', '--version'])).out, /^\d+\.\d+\.\d+$/);
    const { code, out } = await run(['--help']);
    assert.equal(code, 0);
    for (const command of ['bridge', 'gateway', 'serve'])
      assert.match(out, new RegExp(`^ {2}${command} `, 'm'));
    assert.match(out, /Exit codes: 0 .*; 1 .*; 2 /);
  });

  const misuses: Readonly<Record<string, readonly [args: readonly string[], says: RegExp]>> = {
    'a command that is nearly one': [['brigde', url], /no command brigde\. Did you mean bridge\?/],
    'no address': [['bridge'], /bridge needs the address of a server/],
    'two addresses': [['bridge', url, url], /Remove /],
    'an address that is none': [
      ['bridge', 'localhost:3000/mcp'],
      /is not an http.* Did you mean http:\/\/localhost:3000\/mcp\?/,
    ],
    'an address with a password': [['bridge', 'http://me:secret@x/'], /must not contain a user name/],
    'an option that is nearly one': [
      ['bridge', url, '--pacience', '1'],
      /--pacience.*Did you mean --patience\?/,
    ],
    'an option far from any': [['bridge', url, '--qqq'], /--qqq'\.$/m],
    'an option without its value': [['bridge', url, '--header'], /--header/],
    'a header that is none': [['bridge', url, '--header', 'x'], /"Name: value"/],
    'a size that is none': [
      ['bridge', url, '--max-message', '0'],
      /--max-message must be a number of MiB from 1/,
    ],
    'a time that is none': [['bridge', url, '--grace', 'soon'], /--grace must be a number of seconds/],
    'a policy that is none': [
      ['bridge', url, '--replay', 'maybe'],
      /--replay must be hints, always or never/,
    ],
    'no window': [['attach'], /attach needs a window and a server/],
    'a third word for attach': [['attach', 'w', 's', 'more'], /Remove more/],
    'a server without a name': [['attach', url], /attach needs --name/],
    'a command without a name': [['attach', '--', 'node'], /attach needs --name/],
    'an empty name': [['attach', '--name', ' ', url], /the server has no name/],
    'a name with a line end': [['attach', '--name', 'a\nb', url], /control or format character/],
    'a name that is too long': [['attach', '--name', 'a'.repeat(65), url], /a name of 65 characters/],
    'neither address nor command': [['attach', '--name', 'a'], /the address of a server or, after --/],
    'no command after --': [['attach', '--name', 'a', '--'], /no command after --/],
    'an address and a command': [['attach', '--name', 'a', url, '--', 'node'], /not both\. Remove http/],
    'two addresses for attach': [['attach', '--name', 'a', url, url], /one address\. Remove /],
    'a command without --': [['attach', '--name', 'a', 'npx', 'thing'], /"npx" is not .*Put -- before/],
    'a header for a command': [
      ['attach', '--name', 'a', '--header', 'a: secret', '--', 'node'],
      /not both\. Remove --header\./,
    ],
    'an option of attach that is nearly one': [
      ['attach', '--name', 'a', '--pacience', '1', '--', 'node'],
      /Did you mean --patience\?/,
    ],
    'a header from no variable': [['attach', '--name', 'a', '--header-env', 'A', url], /--header-env needs/],
    'an address twice': [['attach', '--name', 'a', '--url-env', 'A', url], /takes one address, and/],
    'no server': [['gateway'], /either --url or --config/],
    'a server in two ways': [['gateway', '--url', url, '--config', 'x'], /either --url or --config/],
    'a word too much': [['gateway', url], /takes no arguments.*http/],
    'a port that is none': [['gateway', '--url', url, '--port', '1e9'], /0 to 65535/],
    'a token that cannot be sent': [
      ['gateway', '--url', url, '--token', 'a b'],
      /--token and .* may contain/,
    ],
    'a token that is not wanted': [
      ['gateway', '--url', url, '--token', 'a', '--no-token'],
      /cannot be combined/,
    ],
    'a transport beside a file': [['gateway', '--config', 'x', '--sse'], /set them in the file/],
    'a header beside a file': [['gateway', '--config', 'x', '--header', 'a: b'], /set them in the file/],
  };
  for (const [what, [args, says]] of Object.entries(misuses)) {
    it(`are refused with exit code 2 when they hold ${what}`, async () => {
      const { code, out, err } = await run(args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, says);
      const [command = ''] = args;
      const help = command === 'brigde' ? 'resilient-mcp --help' : `resilient-mcp ${command} --help`;
      assert.ok(err.split('\n').includes(`See: ${help}`), err);
      assert.doesNotMatch(err, /^\s+at |secret/m);
    });
  }

  const impossible: Readonly<Record<string, readonly [args: readonly string[], says: RegExp]>> = {
    'a variable that is not set': [
      ['bridge', url, '--header', `a: \${env:RMCP_NONE}`],
      /no variable "RMCP_NONE"/,
    ],
    'a variable for a header that is not set': [
      ['attach', '--name', 'a', '--header-env', 'A=RMCP_NONE', url],
      /--header-env: there is no variable "RMCP_NONE"/,
    ],
    'a variable for an address that is not set': [
      ['attach', '--name', 'a', '--url-env', 'RMCP_NONE'],
      /--url-env: there is no variable "RMCP_NONE"/,
    ],
    'a file that is not there': [
      ['gateway', '--config', 'no-such-file.json'],
      /no-such-file\.json cannot be read/,
    ],
  };
  for (const [what, [args, says]] of Object.entries(impossible)) {
    it(`lead to exit code 1 when they name ${what}`, async () => {
      const { code, out, err } = await run(args);
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, says);
      assert.doesNotMatch(err, /^\s+at /m);
    });
  }

  it('are not shown again with a secret when the environment holds a token that cannot be sent', async () => {
    using _folder = scratchFolder();
    const { code, err } = await run(['gateway', '--url', url], { RESILIENT_MCP_TOKEN: 'top secret' });
    assert.equal(code, 2);
    assert.doesNotMatch(err, /top secret/);
  });
});
