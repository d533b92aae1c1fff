import { PassThrough, Writable } from 'node:stream';
import { bridgeStreams } from '../../src/cli/bridge/bridge-streams.ts';
import { ResilientTransport } from '../../src/client/index.ts';
import { HeldClock } from '../support/held-clock.ts';

describe('the streams of a bridge', () => {
  it('are let go of when the client has ended its input and does not read what is left', async () => {
    const clock = new HeldClock();
    const input = new PassThrough();
    // Takes a chunk, and is never done with it.
    const output = new Writable({ write() {} });
    const ended = bridgeStreams({
      input,
      output,
      open: () => new ResilientTransport('http://127.0.0.1:9/mcp'),
      stop: () => new Promise(() => {}),
      graceMs: 0,
      clock,
    });
    input.end('no JSON\n');
    await clock.isSet(10_000);
    await clock.advance(10_000);
    await ended;
  });
});
