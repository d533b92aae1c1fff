import type { InteropServer } from '../server.ts';
import { everything } from './typescript/everything.ts';
import { sdkExamples } from './typescript/sdk-examples.ts';

/** All servers that are tried, in the order in which they are. */
export const servers: readonly InteropServer[] = [...sdkExamples, everything];
