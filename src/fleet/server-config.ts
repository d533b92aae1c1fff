/** One server of the setting `resilientMcp.servers`, validated. */
export interface ServerConfig {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}
