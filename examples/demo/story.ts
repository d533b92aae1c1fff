import { setTimeout as pause } from 'node:timers/promises';
import type { SupervisedServer } from '../../harness/supervised-server.ts';
import type { Pair, Scene } from './scene.ts';

export interface Pace {
  /** Calls that end between one kill and the next. */
  readonly callsBetween: number;
  /** For how long connections are refused in the long outages, in ms. */
  readonly outageMs: number;
}

/** Longer than the demo: a wait in the server that only the kill ends. */
const NEVER_MS = 600_000;

/** What happens: six kills, three of each server, each with calls going on all the time. */
export async function story(scene: Scene, { callsBetween, outageMs }: Pace): Promise<void> {
  const { ledger, everything } = scene;
  await Promise.all([ledger.caller.settled(callsBetween), everything.caller.settled(callsBetween)]);
  const acts = [
    () => betweenCalls(scene, ledger),
    () => betweenCalls(scene, everything),
    () => afterItRan(scene),
    () => insideALongCall(scene),
    () => beforeItRan(scene, outageMs),
    () => betweenCalls(scene, everything, outageMs),
  ];
  for (const act of acts) {
    await act();
    await Promise.all([ledger.caller.settled(callsBetween), everything.caller.settled(callsBetween)]);
  }
}

/** A kill while no call is under way: the next one meets a dead socket, then a server that has lost the session. */
async function betweenCalls(scene: Scene, { server, caller }: Pair<unknown>, outageMs = 0): Promise<void> {
  await caller.idle();
  await killed(scene, server, 'between two calls', outageMs);
}

/** A kill of the ledger when it has written an entry and not yet answered. */
async function afterItRan(scene: Scene): Promise<void> {
  const { server, caller, errands } = scene.ledger;
  const entry = 'slow entry A';
  const written = line(server, `appended ${entry}`);
  const call = caller.perform(() => errands.slowAppend(entry, { afterMs: NEVER_MS }));
  const inside = await isInside(written, call);
  await killed(
    scene,
    server,
    inside ? `in the middle of an append: "${entry}" is written, not answered` : noneInside,
  );
  await call;
}

/** A kill of the ledger when it has taken a call and not yet written; then nobody listens for a while. */
async function beforeItRan(scene: Scene, outageMs: number): Promise<void> {
  const { server, caller, errands } = scene.ledger;
  const entry = 'slow entry B';
  const taken = line(server, `started ${entry}`);
  const call = caller.perform(() => errands.slowAppend(entry, { beforeMs: NEVER_MS }));
  const inside = await isInside(taken, call);
  const when = inside ? `in the middle of an append: "${entry}" is taken, not written` : noneInside;
  await killed(scene, server, when, outageMs);
  await call;
}

/** A kill of server-everything in the middle of a call with progress. The tool is declared read-only. */
async function insideALongCall(scene: Scene): Promise<void> {
  const { server, caller, errands } = scene.everything;
  let underWay = () => {};
  const inTheMiddle = new Promise<void>((resolve) => {
    underWay = resolve;
  });
  const call = caller.perform(() => errands.long(underWay));
  const inside = await isInside(inTheMiddle, call);
  await killed(scene, server, inside ? 'in the middle of a long call' : noneInside);
  await call;
}

const noneInside = 'and no call is inside, since none gets through';

/** Waits until a call is where it is to be killed, or has ended: a client without a session gets none that far. */
function isInside(there: Promise<unknown>, call: Promise<unknown>): Promise<boolean> {
  return Promise.race([there.then(() => true), call.then(() => false)]);
}

async function killed(scene: Scene, server: SupervisedServer, when: string, outageMs = 0): Promise<void> {
  const { account } = scene;
  account.tell(server.name, `killed (SIGKILL) ${when}`, 'bad');
  await server.kill();
  if (outageMs > 0) {
    account.tell(server.name, `connections are refused for ${outageMs / 1000} s`);
    await pause(outageMs);
  }
  await server.start();
  account.tell(server.name, `listens again, process ${server.pid}, and knows no session`);
}

/** Resolves when the server writes the line. */
function line(server: SupervisedServer, words: string): Promise<void> {
  return new Promise((resolve) => {
    const lines = server.onLine((each) => {
      if (each !== words) return;
      lines.dispose();
      resolve();
    });
  });
}
