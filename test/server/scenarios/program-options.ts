import { createClient } from 'redis';
import {
  RedisStore,
  type SessionManagerOptions,
  type SessionStore,
  SqliteStore,
} from '../../../src/server/index.ts';

/** A store that can be named in words, to a process. */
export type StoreName = { readonly sqlite: string } | { readonly redis: string };

/** What a server program is told on its command line. */
export interface ProgramOptions
  extends Omit<SessionManagerOptions, 'store' | 'log' | 'environment' | 'principalOf'> {
  readonly store?: StoreName;
  /** What the server calls itself. Default `program`. */
  readonly name?: string;
}

export async function openStore(name: StoreName): Promise<SessionStore> {
  if ('sqlite' in name) return new SqliteStore({ file: name.sqlite });
  const client = createClient({ url: name.redis });
  client.on('error', () => {});
  await client.connect();
  return new RedisStore({ client });
}
