import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Connected, connected } from '../support/connected.ts';
import type { DialectName } from '../support/scripted/dialects.ts';
import type { Fault } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

type Tool = 'count' | 'peek' | 'put';

/** One thing that happens. Calls are begun and not waited for, so faults fall into the middle of them. */
type Step =
  | { readonly do: 'call'; readonly tool: Tool }
  | { readonly do: 'spoil'; readonly tool: Tool; readonly fault: Fault }
  | { readonly do: 'forget'; readonly dialect: DialectName }
  | { readonly do: 'cut' }
  | { readonly do: 'restart'; readonly dialect: DialectName }
  | { readonly do: 'reset' }
  | { readonly do: 'settle' };

const tool = fc.constantFrom<Tool>('count', 'peek', 'put');
const dialect = fc.constantFrom<DialectName>(
  '404-json',
  '404-empty',
  '400-json',
  '400-text',
  '200-error',
  '401-text',
);
const fault = fc.constantFrom<Fault>(
  'reset-before',
  'reset-after-run',
  'cut-stream-after-event-id',
  'end-stream-after-event-id',
  'end-stream',
  { status: 503 },
  { status: 502, afterRun: true },
  { status: 404 },
  { status: 400 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('call' as const), tool }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('spoil' as const), tool, fault }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('forget' as const), dialect }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), dialect }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'cut' }, { do: 'reset' }, { do: 'settle' }) },
);

/** Codes that a call may end in here. Anything else is a bug. */
const typed = new Set(['OUTCOME_UNKNOWN', 'SERVER_UNAVAILABLE', 'SESSION_NOT_KEPT', 'HTTP_STATUS']);

async function play(
  server: ScriptedServer,
  scenario: Connected,
  steps: readonly Step[],
): Promise<Map<string, string>> {
  const calling = new Map<string, Promise<string>>();
  for (const [index, each] of steps.entries()) {
    switch (each.do) {
      case 'call': {
        const key = `${each.tool} ${index}`;
        calling.set(key, scenario.call(each.tool, key));
        break;
      }
      case 'spoil':
        server.answerNext({ tool: each.tool }, each.fault);
        break;
      case 'forget':
        server.forgetSessions(each.dialect);
        break;
      case 'cut':
        server.cutConnections();
        break;
      case 'restart':
        await server.restart(each.dialect);
        break;
      case 'reset':
        // A reset may fail like any recovery; what counts is what becomes of the calls.
        await scenario.transport.resetSession().catch(() => {});
        break;
      case 'settle':
        await Promise.all(calling.values());
    }
  }
  const settled = [...calling].map(async ([key, answer]) => [key, await answer] as const);
  return new Map(await Promise.all(settled));
}

describe('for any interleaving of faults', () => {
  for (const eventIds of [false, true]) {
    it(`no unsafe call runs twice, and every call is answered truly or fails in a typed error (event ids: ${eventIds})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
          await using server = await ScriptedServer.start({ style: { eventIds } });
          await using scenario = await connected(server.url, { patienceMs: 5000 });
          await scenario.client.listTools();
          const outcomes = await play(server, scenario, steps);
          for (const [key, outcome] of outcomes) {
            const runs = server.runs(key);
            if (key.startsWith('count')) assert.ok(runs <= 1, `${key} ran ${runs} times: ${outcome}`);
            if (outcome === `ran ${key}`) assert.ok(runs >= 1, `${key} was answered and never ran`);
            else assert.ok(typed.has(outcome), `${key}: ${outcome}`);
            // Sent once and refused: then it did not run. A safe call may have run on an earlier try.
            const wasRefused = outcome !== `ran ${key}` && outcome !== 'OUTCOME_UNKNOWN';
            if (key.startsWith('count') && wasRefused) assert.equal(runs, 0, `${key}: ${outcome}`);
          }
          assert.deepEqual(server.violations, []);
        }),
        { numRuns: 60 },
      );
    });
  }
});
