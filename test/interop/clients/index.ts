import type { InteropClient } from '../client.ts';
import { goClient } from './go/sdk.ts';
import { pythonClients } from './python/sdk.ts';

/** All clients of other languages that are tried. */
export const clients: readonly InteropClient[] = [...pythonClients, goClient];
