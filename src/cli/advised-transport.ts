import type { TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { isResilientMcpError, ResilientMcpError } from '../protocol/errors.ts';
import { ResilientTransport } from '../session/resilient-transport.ts';

/** A connection whose refusals say what somebody at a command line can do about them. */
export class AdvisedTransport extends ResilientTransport {
  override async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    try {
      await super.send(message, options);
    } catch (error) {
      throw isResilientMcpError(error, 'UNAUTHORIZED') ? withAdvice(error) : error;
    }
  }
}

function withAdvice({ message, status, body, cause }: ResilientMcpError): ResilientMcpError {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is to be written like this
  const example = '--header "Authorization: Bearer ${env:TOKEN}"';
  const advice = `Nobody can sign in here. Give it a token that the server takes: ${example}.`;
  return new ResilientMcpError('UNAUTHORIZED', message, { status, body, cause, advice });
}
