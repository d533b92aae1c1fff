import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { ResilientMcpError } from './errors.ts';
import type { ScannedMessage } from './text/envelope-scan.ts';

/** A transport of the SDK's kind. Those of this project can tell and do a little more. */
export interface WrappedTransport extends Transport {
  /** Takes each line that the server writes beside the protocol. */
  onoutput?: (line: string) => void;
  /** Called for a message that is too long or nested too deep. Only this message fails. */
  ontoolong?: (message: ScannedMessage, error: ResilientMcpError) => void;
  /** Why it ended by itself, once it has. */
  readonly ending?: ResilientMcpError | undefined;
  /** Ends at once what `close()` would end politely; `close()` resolves soon after. */
  kill?(): void;
}
