import { PassThrough } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { systemClock } from '../../src/base/environment.ts';
import { bridgeStreams } from '../../src/cli/bridge/bridge-streams.ts';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import { goThrough } from './way.ts';

/** The SDK's plain transport for lines of JSON, to a bridge of this process that is carried by the connection. */
export function throughBridge(connection: HealingTransport): Transport {
  const toBridge = new PassThrough();
  const toClient = new PassThrough();
  const introduced = untilIntroduced(connection);
  const ended = bridgeStreams({
    input: toBridge,
    output: toClient,
    open: () => connection,
    stop: () => new Promise(() => {}),
    // A client that closes waits for nothing any more.
    graceMs: 0,
    clock: systemClock,
  });
  // What reads and writes lines is the same at both ends of a pipe.
  const transport = new StdioServerTransport(toClient, toBridge);
  const send = transport.send.bind(transport);
  transport.send = async (message) => {
    await send(message);
    // A line is written and not answered; the scenarios begin when the server knows the client.
    if (isIntroduction(message)) await introduced;
  };
  const close = transport.close.bind(transport);
  transport.close = async () => {
    toBridge.end();
    await ended;
    await close();
  };
  return transport;
}

function untilIntroduced(connection: HealingTransport): Promise<void> {
  return new Promise((resolve) => {
    const send = connection.send.bind(connection);
    connection.send = async (message, options) => {
      try {
        await send(message, options);
      } finally {
        if (isIntroduction(message)) resolve();
      }
    };
  });
}

function isIntroduction(message: JSONRPCMessage): boolean {
  return 'method' in message && message.method === 'notifications/initialized';
}

// Required by mocha: the scenarios of the connection again, behind a bridge.
goThrough(throughBridge);
