import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResilientTransport } from '../../src/client/index.ts';
import { Gateway } from '../../src/hub/gateway/index.ts';
import { plainClient } from '../support/sdk-client.ts';
import type { WayName } from './record.ts';

/** A client of the SDK that has reached a server, and the connection that carries its session. */
export interface Reached extends AsyncDisposable {
  readonly client: Client;
  readonly connection: ResilientTransport;
}

/** How a client reaches a server: with all options as they are when nobody says otherwise. */
export const ways: Readonly<Record<WayName, (url: string) => Promise<Reached>>> = {
  async transport(url) {
    const connection = new ResilientTransport(url);
    const client = new Client({ name: 'interop', version: '1.0.0' });
    await client.connect(connection);
    return { client, connection, [Symbol.asyncDispose]: () => client.close() };
  },

  async gateway(url) {
    const connections: ResilientTransport[] = [];
    const gateway = new Gateway({
      upstreams: {
        server: {
          open(how) {
            const connection = new ResilientTransport(url, how);
            connections.push(connection);
            return connection;
          },
        },
      },
    });
    await gateway.start();
    const headers = { authorization: `Bearer ${gateway.token}` };
    const plain = await plainClient(gateway.urlOf('server'), { headers });
    const [connection] = connections;
    if (!connection) throw new Error('the gateway has opened no connection');
    return {
      client: plain.client,
      connection,
      async [Symbol.asyncDispose]() {
        await plain.client.close();
        await gateway.close();
      },
    };
  },
};
