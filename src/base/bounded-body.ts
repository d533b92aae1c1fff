import type { HttpBodyReader } from './http-client.ts';

/**
 * All bytes of a body; undefined when there are more than `maxBytes`. The rest is then not read, and the reader is the
 * caller's to cancel. Rejects when the body breaks off.
 * @param onChunk called for each chunk within the limit
 */
export async function readAtMost(
  reader: Pick<HttpBodyReader, 'read'> | undefined,
  maxBytes: number,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
    length += next.value.byteLength;
    if (length > maxBytes) return undefined;
    onChunk?.(next.value);
    chunks.push(next.value);
  }
  return joined(chunks, length);
}

/** Chunks as one. */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
