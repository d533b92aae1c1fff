import { joined, readAtMost } from '../../../base/bounded-body.ts';
import type { Clock } from '../../../base/environment.ts';
import type { HttpResponse } from '../../../base/http-client.ts';
import { ResilientMcpError } from '../../../protocol/errors.ts';
import type { HeldBytes } from './held-bytes.ts';

/** How much of a body is read of which the beginning is enough. */
export interface HeadLimits {
  readonly maxBytes: number;
  /** In ms. What has come until then counts. */
  readonly maxMs: number;
  readonly clock: Clock;
}

/**
 * The beginning of a body as text; the rest is dropped and the connection released. Never rejects, and never waits for a
 * body that does not end.
 */
export async function readHead(response: HttpResponse, limits: HeadLimits): Promise<string> {
  const { maxBytes, maxMs, clock } = limits;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  const late = Promise.withResolvers<undefined>();
  const stop = clock.after(maxMs, () => late.resolve(undefined), { background: true });
  try {
    while (reader && length < maxBytes) {
      const value = (await Promise.race([reader.read(), late.promise]))?.value;
      if (!value) break;
      chunks.push(value);
      length += value.byteLength;
    }
  } catch {
    // What arrived before the connection broke is still the best evidence there is.
  }
  stop();
  // Not awaited: a body that never ends must not hold up the verdict.
  reader?.cancel().catch(() => {});
  return new TextDecoder().decode(joined(chunks, length).subarray(0, maxBytes));
}

export interface ReadWholeOptions {
  /** Told of each chunk. */
  readonly onHeard?: (() => void) | undefined;
  /** Counts what is held meanwhile. */
  readonly held?: HeldBytes;
}

/**
 * A whole body as text.
 * @throws ResilientMcpError `LIMIT_EXCEEDED` beyond the limits; whatever the stream throws when it breaks.
 */
export async function readWhole(
  response: HttpResponse,
  maxBytes: number,
  { onHeard, held }: ReadWholeOptions = {},
): Promise<string> {
  const reader = response.body?.getReader();
  const heard = ({ byteLength }: Uint8Array) => {
    onHeard?.();
    held?.add(byteLength);
  };
  try {
    const bytes = await readAtMost(reader, maxBytes, heard);
    if (!bytes) throw tooLarge(maxBytes);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    reader?.cancel().catch(() => {});
    throw error;
  } finally {
    held?.release();
  }
}

function tooLarge(maxBytes: number): ResilientMcpError {
  return new ResilientMcpError(
    'LIMIT_EXCEEDED',
    `The answer is larger than ${maxBytes} bytes (option limits.maxBodyBytes, --max-message on the command line).`,
  );
}
