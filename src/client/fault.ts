/**
 * A fault that a person or a test asks for, to see what the connection makes of it.
 *
 * - `lost-404`, `lost-400`: at the next request with a session id the session is ended at the server (DELETE), and the
 *   request is answered as one on a session that is gone. It does not reach the server.
 * - `cut`: the next request reaches the server, and its answer is cut off. Of a session that is a stream, the stream is.
 * - `refuse`: no request reaches the server for so many ms.
 * - `kill`: the process of the server is killed.
 */
export type Fault =
  | { readonly kind: 'lost-404' }
  | { readonly kind: 'lost-400' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'refuse'; readonly forMs: number }
  | { readonly kind: 'kill' };

export type FaultKind = Fault['kind'];
