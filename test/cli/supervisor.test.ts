import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ParentStore } from '../../src/cli/serve/shared-store.ts';
import { NothingServes, Supervisor } from '../../src/cli/serve/supervisor.ts';
import { WorkerProcess } from '../../src/cli/serve/worker-process.ts';
import { HeldClock, settle } from '../support/held-clock.ts';
import { scratchFolder } from '../support/scratch.ts';

/** A supervisor whose process runs and never begins to serve. */
function neverServing() {
  const folder = scratchFolder();
  writeFileSync(folder.file('worker.mjs'), 'process.on("message", () => {});\n');
  const clock = new HeldClock();
  const spawn = () =>
    new WorkerProcess({
      script: pathToFileURL(folder.file('worker.mjs')),
      assignment: {
        kind: 'serve',
        module: folder.file('server.mjs'),
        socketPath: folder.file('socket'),
        keys: [],
        scope: '',
        allowedHosts: [],
        maxBodyBytes: 1,
        watch: false,
      },
      store: new ParentStore(),
      startTimeoutMs: 60_000,
      drainTimeoutMs: 1000,
      onFiles: () => {},
    });
  const supervisor = new Supervisor({
    spawn,
    clock,
    say: () => {},
    watch: false,
    maxRestarts: 1,
    onGivenUp: () => {},
  });
  supervisor.launch();
  return {
    supervisor,
    clock,
    [Symbol.dispose]() {
      supervisor.kill();
      folder[Symbol.dispose]();
    },
  };
}

const refusedWith = (words: RegExp) => (error: unknown) =>
  error instanceof NothingServes && words.test(error.message);

describe('a request that comes while no process serves', () => {
  it('waits for 30 s, and is then refused', async () => {
    using starting = neverServing();
    const request = starting.supervisor.next();
    let isSettled = false;
    const watched = request
      .catch(() => {})
      .finally(() => {
        isSettled = true;
      });
    await starting.clock.advance(29_999);
    assert.equal(isSettled, false);
    await starting.clock.advance(1);
    await assert.rejects(request, refusedWith(/did not start in time/));
    await watched;
    assert.equal(starting.clock.pending, 0);
  });

  it('is refused at once when 1,000 wait already', async () => {
    using starting = neverServing();
    const waiting = Array.from({ length: 1000 }, () => starting.supervisor.next());
    const answers = Promise.allSettled(waiting);
    await settle();
    await assert.rejects(starting.supervisor.next(), refusedWith(/Too many requests wait/));
    await starting.supervisor.stop();
    assert.deepEqual(new Set((await answers).map(({ status }) => status)), new Set(['rejected']));
  });
});
