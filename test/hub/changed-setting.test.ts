import assert from 'node:assert/strict';
import { isSameData } from '../../src/base/same-data.ts';
import { parseServers, type ServerConfig } from '../../src/config/server-config.ts';
import { transportOpener } from '../../src/hub/open/open-transport.ts';
import { placeholder } from '../config/import/examples.ts';
import { Ledger, lives, programPath } from '../support/stdio/ledger.ts';
import type { Fleet } from './fleets.ts';
import { realFleet } from './fleets.ts';

/** The servers of a setting, with this text entered for each input. */
function servers(setting: unknown, entered: string): readonly ServerConfig[] {
  const parsed = parseServers(setting, undefined, () => ({
    env: () => undefined,
    input: () => entered,
    workspaceFolder: () => undefined,
    userHome: undefined,
    pathSeparator: '/',
  }));
  assert.deepEqual(parsed.problems, []);
  return parsed.servers;
}

const secret = placeholder('input:secret');
const url = 'http://127.0.0.1:9/mcp';

describe('a setting that has changed', () => {
  const setting: Record<string, object> = {
    http: { url },
    httpAsking: { url, headers: { Authorization: `Bearer ${secret}` } },
    sse: { type: 'sse', url },
    sseAsking: { type: 'sse', url: `${url}?key=${secret}` },
    stdio: { command: 'a', args: ['-y'], env: { A: '1', B: '2' } },
    stdioAsking: { command: 'a', env: { TOKEN: secret } },
    module: { module: './server.ts' },
    moduleAsking: { module: './server.ts', env: { TOKEN: secret } },
  };

  /** The names of those whose connections would not serve after the change. */
  function changed(before: readonly ServerConfig[], after: readonly ServerConfig[]): string[] {
    const known = new Map(before.map((config) => [config.name, config]));
    return after.filter((config) => !isSameData(known.get(config.name), config)).map(({ name }) => name);
  }

  it('is the same for servers of every type when its keys stand in another order', () => {
    const reversed = Object.fromEntries(
      Object.entries(setting)
        .reverse()
        .map(([name, entry]) => [name, Object.fromEntries(Object.entries(entry).reverse())]),
    );
    assert.deepEqual(changed(servers(setting, 's'), servers(reversed, 's')), []);
  });

  it('is another for those servers alone that ask for a value that has changed', () => {
    const asking = Object.keys(setting).filter((name) => name.endsWith('Asking'));
    assert.deepEqual(changed(servers(setting, 'one'), servers(setting, 'other')), asking);
  });

  it('is another for that server alone whose entry has changed, whatever its type', () => {
    for (const [name, entry] of Object.entries(setting)) {
      const after = { ...setting, [name]: { ...entry, shared: true } };
      assert.deepEqual(changed(servers(setting, 's'), servers(after, 's')), [name]);
    }
  });

  describe('and programs that run', () => {
    const ledgers: Ledger[] = [];
    let fleet: Fleet | undefined;

    afterEach(async () => {
      await fleet?.close();
      for (const ledger of ledgers.splice(0)) ledger[Symbol.dispose]();
    });

    const aLedger = () => {
      const ledger = new Ledger();
      ledgers.push(ledger);
      return ledger;
    };
    const program = (ledger: string) => ({
      command: process.execPath,
      args: [programPath],
      env: { LEDGER: ledger },
    });

    it('starts the one anew whose secret has changed, and leaves the other running', async () => {
      const [plain, first, second] = [aLedger(), aLedger(), aLedger()];
      const processes = { cwd: process.cwd(), env: process.env, serve: { command: '', args: [] } };
      fleet = realFleet({ openTransport: transportOpener({ processes }) });
      const programs = { plain: program(plain.path), asking: program(secret) };
      fleet.apply(servers(programs, first.path));
      await fleet.callTool('plain', 'count', { key: 'a' });
      await fleet.callTool('asking', 'count', { key: 'a' });
      fleet.apply(servers(programs, second.path));
      await fleet.callTool('plain', 'count', { key: 'b' });
      await fleet.callTool('asking', 'count', { key: 'b' });
      assert.deepEqual(
        [plain, first, second].map((ledger) => ledger.pids().length),
        [1, 1, 1],
      );
      assert.ok(lives(plain.pid) && !lives(first.pid) && lives(second.pid));
      assert.deepEqual(
        [plain.runs('count', 'b'), first.runs('count', 'b'), second.runs('count', 'b')],
        [1, 0, 1],
      );
    });
  });
});
