// A client of a server that comes and goes: `waiting-caller.ts resilient <url>`, or `waiting-caller.ts loop <url> <ms>`,
// which is what a program does by hand: connect anew after each failure, with a pause of so many ms between two tries.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResilientTransport } from '../../../src/client/index.ts';
import { plainClient, textOf } from '../../support/sdk-client.ts';
import { answerQuestions } from '../program.ts';
import { moment } from './timed.ts';

type Echo = (text: string) => Promise<string>;

async function resilient(url: string): Promise<Echo> {
  const client = new Client({ name: 'resilient', version: '1.0.0' });
  await client.connect(new ResilientTransport(url));
  return async (text) => textOf(await client.callTool({ name: 'echo', arguments: { text } }));
}

async function loop(url: string, pauseMs: number): Promise<Echo> {
  let plain = await plainClient(url);
  return async (text) => {
    for (;;) {
      try {
        return await plain.call('echo', { text });
      } catch {
        void plain.client.close().catch(() => {});
        plain = await connected(url, pauseMs);
      }
    }
  };
}

async function connected(url: string, pauseMs: number) {
  for (;;) {
    try {
      return await plainClient(url);
    } catch {
      await sleep(pauseMs);
    }
  }
}

const [kind, url = '', pauseMs = ''] = process.argv.slice(2);
const echo = await (kind === 'resilient' ? resilient(url) : loop(url, Number(pauseMs)));

const handlers = {
  /** Calls, and gives the moment of the answer. */
  async answer(text: string) {
    const got = await echo(text);
    if (got !== text) throw new Error(`"${text}" was answered with "${got}"`);
    return moment();
  },
};

export type WaitingCaller = typeof handlers;
answerQuestions(handlers);
