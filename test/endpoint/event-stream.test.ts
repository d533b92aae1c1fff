import assert from 'node:assert/strict';
import { EventStream, MAX_UNREAD_BYTES } from '../../src/endpoint/streams/event-stream.ts';
import { HeldClock } from '../support/held-clock.ts';

describe('a stream to a client that does not read yet', () => {
  it('holds one event of any length, and 16 MiB beside it', async () => {
    let isGone = false;
    const stream = new EventStream(new HeldClock(), () => {
      isGone = true;
    });
    const large = 'x'.repeat(2 * MAX_UNREAD_BYTES);
    stream.message(large, '');
    stream.message('small', '');
    assert.ok(!isGone);
    stream.end();
    const text = await new Response(stream.body).text();
    assert.equal(text.length, large.length + 'small'.length + 2 * 'event: message\ndata: \n\n'.length);
  });

  it('ends for one that leaves more than that unread', () => {
    let isGone = false;
    const stream = new EventStream(new HeldClock(), () => {
      isGone = true;
    });
    const event = 'x'.repeat(1024 * 1024);
    for (let written = 0; written < 18; written++) stream.message(event, '');
    assert.ok(isGone);
  });
});
