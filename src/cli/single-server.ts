import type { HealingTransport } from '../client/healing-transport.ts';
import type { ResumableSession } from '../client/memory/resumable.ts';
import type { HealingOptions } from '../client/options.ts';
import { ResilientTransport } from '../client/resilient-transport.ts';
import { isResilientMcpError, ResilientMcpError } from '../protocol/errors.ts';
import type { ReplayPolicy } from '../protocol/replay.ts';
import { UsageError } from './command.ts';
import { endpointUrl } from './endpoint-url.ts';
import { headerFields } from './header-fields.ts';
import { limitsFor, maxMessage, maxMessageOption } from './max-message.ts';

/** A server given by its address on the command line. */
export interface SingleServer {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly replay: ReplayPolicy;
  /** The server speaks HTTP+SSE, the transport before Streamable HTTP. */
  readonly sse: boolean;
  readonly maxMessageBytes: number;
}

/** Command-line options of such a server, for `parseArgs`. */
export const singleServerOptions = {
  header: { type: 'string', multiple: true, default: [] as string[] },
  replay: { type: 'string' },
  sse: { type: 'boolean', default: false },
  ...maxMessageOption,
} as const;

interface Words {
  readonly header: readonly string[];
  readonly replay?: string | undefined;
  readonly sse: boolean;
  readonly 'max-message': string;
}

/** @throws UsageError, and Failed for a variable that is not set */
export function singleServer(address: string, words: Words): SingleServer {
  const { header, replay, sse } = words;
  return {
    url: endpointUrl(address),
    headers: headerFields(header, process.env),
    replay: replayPolicy(replay),
    sse,
    maxMessageBytes: maxMessage(words['max-message']),
  };
}

/** What `--replay` says. @throws UsageError */
export function replayPolicy(text = 'hints'): ReplayPolicy {
  if (text === 'hints' || text === 'always' || text === 'never') return text;
  throw new UsageError(`--replay must be hints, always or never, not ${text}.`);
}

/** Creates a connection, not started. Its authorization errors advise `--header`. */
export type Connect = (
  how: HealingOptions & { readonly resume?: ResumableSession | undefined },
) => HealingTransport;

/** Returns a function that creates connections. The HTTP+SSE transport is loaded only if needed. */
export async function connectionsTo(server: SingleServer): Promise<Connect> {
  const { url, headers, replay, sse, maxMessageBytes } = server;
  const policies = { replay: { default: replay, tools: {} } };
  const limits = limitsFor(maxMessageBytes);
  if (!sse) {
    return (how) =>
      advised(new ResilientTransport(url, { ...how, ...policies, limits, requestInit: { headers } }));
  }
  const { openSse } = await import('../hub/open/open-sse.ts');
  const config = { type: 'sse', name: '', shared: false, url: url.href, headers, ...policies } as const;
  return (how) => advised(openSse(config, undefined, { ...how, ...policies, limits }));
}

function advised<Connection extends HealingTransport>(connection: Connection): Connection {
  const send = connection.send.bind(connection);
  connection.send = async (message, options) => {
    try {
      await send(message, options);
    } catch (error) {
      throw isResilientMcpError(error, 'UNAUTHORIZED') ? withAdvice(error) : error;
    }
  };
  return connection;
}

function withAdvice({ message, status, body, cause }: ResilientMcpError): ResilientMcpError {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is to be written like this
  const example = '--header "Authorization: Bearer ${env:TOKEN}"';
  const advice = `The command line cannot sign in. Pass a token that the server accepts: ${example}.`;
  return new ResilientMcpError('UNAUTHORIZED', message, { status, body, cause, advice });
}
