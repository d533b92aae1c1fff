import { appendFileSync } from 'node:fs';

/** Writes one run down, and gives the text that answers it. */
export function counted(key) {
  appendFileSync(process.env.INTEROP_LEDGER, `${key}\n`);
  return `counted ${key}`;
}
