import { isResilientMcpError, ResilientMcpError } from '../../../protocol/errors.ts';

/** Where errors of the SDK 2.x carry the names of their classes; its `instanceof` goes by these, also between copies. */
const SDK_2_NAMES = Symbol.for('mcp.sdk.errorBrands');
const SDK_2_UNAUTHORIZED = new Set(['mcp.UnauthorizedError']);

let both: object | undefined;

/**
 * The error, which `instanceof` takes for the SDK's `UnauthorizedError` too if it is an `UNAUTHORIZED`: programs that
 * were written for the SDK's transport begin their sign-in by that. The class of the SDK 1.x is loaded here and not
 * before, since all of its OAuth comes with it; that of 2.x need not be loaded at all.
 */
export async function recognizable(error: unknown): Promise<unknown> {
  if (!isResilientMcpError(error, 'UNAUTHORIZED') || SDK_2_NAMES in error) return error;
  Object.defineProperty(error, SDK_2_NAMES, { value: SDK_2_UNAUTHORIZED });
  both ??= await unauthorizedOfBoth();
  return Object.setPrototypeOf(error, both);
}

/** A prototype under that of the SDK's class, with what a {@link ResilientMcpError} has from its own. */
async function unauthorizedOfBoth(): Promise<object> {
  const { UnauthorizedError } = await import('@modelcontextprotocol/sdk/client/auth.js');
  const own = Object.getOwnPropertyDescriptors(ResilientMcpError.prototype);
  return Object.create(UnauthorizedError.prototype, own);
}
