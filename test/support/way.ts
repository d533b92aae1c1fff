import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { HealingTransport } from '../../src/client/healing-transport.ts';

/** How the client of a scenario reaches the connection under test: given that, what the SDK's client connects to. */
export type Way = (connection: HealingTransport) => Transport | Promise<Transport>;

const directly: Way = (connection) => connection;

let chosen: Way = directly;

/** Lets every scenario go another way; said once, before any of them is defined. */
export function goThrough(way: Way): void {
  chosen = way;
}

export function onTheWay(connection: HealingTransport): Transport | Promise<Transport> {
  return chosen(connection);
}

/** Whether the client holds the connection itself: then what it sends at once goes out at once. */
export function isDirect(): boolean {
  return chosen === directly;
}

/** For what can be seen only where the client holds the connection itself. Defines nothing on any other way. */
export const itDirectly: (title: string, test: Mocha.AsyncFunc) => void = (title, test) => {
  if (isDirect()) it(title, test);
};
