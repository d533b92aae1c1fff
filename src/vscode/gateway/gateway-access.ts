/** What commands need of the gateway of this window. `GatewayHost` has it. */
export interface GatewayAccess {
  /** The servers by name, with their addresses. Rejects when the gateway can't listen. */
  servers(): Promise<readonly { readonly name: string; readonly url: string }[]>;
  /** The headers by which a client is let in: a credential. Rejects when the gateway can't listen. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Lets clients in by other headers from now on, and by those of before no longer. Rejects when it can't listen. */
  renewToken(): Promise<void>;
}
