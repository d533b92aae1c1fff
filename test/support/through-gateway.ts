import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import { Gateway } from '../../src/hub/gateway/index.ts';
import { goThrough } from './way.ts';

/** The SDK's plain transport to a gateway of its own, in which the connection carries its session. */
export async function throughGateway(connection: HealingTransport): Promise<Transport> {
  const gateway = new Gateway({
    upstreams: { one: { open: () => connection } },
    maxBodyBytes: 64 * 1024 * 1024,
  });
  await gateway.start();
  const headers = { authorization: `Bearer ${gateway.token}` };
  const transport = new StreamableHTTPClientTransport(new URL(gateway.urlOf('one')), {
    requestInit: { headers },
  });
  const close = transport.close.bind(transport);
  transport.close = async () => {
    await gateway.close();
    await close();
  };
  return transport as Transport;
}

// Required by mocha: the scenarios of the connection again, behind a gateway.
goThrough(throughGateway);
