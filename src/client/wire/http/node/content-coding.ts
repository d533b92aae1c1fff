import type { Readable, Transform } from 'node:stream';

/** Makes what decodes one content coding; undefined: it is none that is known here. */
export type Decoders = (coding: string) => (() => Transform) | undefined;

/** Codings by their registered names (RFC 9110, 8.4.1), in any case. `zstd` is known from Node.js 22.15 on. */
export function decodersOf(zlib: typeof import('node:zlib')): Decoders {
  // As browsers do: an end without its checksum is an end.
  const lax = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
  const gunzip = () => zlib.createGunzip(lax);
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  const known = new Map<string, (() => Transform) | undefined>([
    ['gzip', gunzip],
    ['x-gzip', gunzip],
    ['deflate', () => zlib.createInflate(lax)],
    ['br', () => zlib.createBrotliDecompress()],
    ['zstd', createZstdDecompress && (() => createZstdDecompress())],
  ]);
  return (coding) => known.get(coding);
}

/** The codings of a body in the order in which they are undone, without those that change nothing. */
export function codingsOf(contentEncoding: string | undefined): readonly string[] {
  if (contentEncoding === undefined) return [];
  const names = contentEncoding.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '' && name !== 'identity').reverse();
}

/**
 * The body as it was before the server encoded it.
 * @returns the name of a coding that is not known
 */
export function decoded(
  body: Readable,
  codings: readonly string[],
  decoders: Decoders,
  pipeline: typeof import('node:stream').pipeline,
): Readable | string {
  let result = body;
  for (const coding of codings) {
    const decoder = decoders(coding)?.();
    if (!decoder) return coding;
    // What goes wrong destroys both, and whoever reads hears of it.
    result = pipeline(result, decoder, () => {});
  }
  return result;
}
