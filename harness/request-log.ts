import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** One HTTP request that a server got. */
export interface LoggedRequest {
  readonly pid: number;
  /** Running number in that process. */
  readonly n: number;
  /** When it arrived, in ms since the epoch. */
  readonly at: number;
  /** HTTP method. */
  readonly method: string;
  /** JSON-RPC method; undefined for a GET, a DELETE and an answer. */
  readonly rpc?: string | undefined;
  readonly id?: string | number | undefined;
  /** Whether a session id came with it. The id itself is a credential and is not logged. */
  readonly session: boolean;
  /** HTTP status; undefined when the process ended before it answered. An event stream's stands at its opening. */
  readonly status?: number | undefined;
}

/**
 * Appends a request log. Arrival and status are two lines, so that a request whose server was killed in the middle is in
 * the log as well.
 */
export class RequestLog {
  readonly #file: string;
  #n = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Notes an arrival. The function it returns notes the status. */
  arrived(request: Pick<LoggedRequest, 'method' | 'rpc' | 'id' | 'session'>): (status: number) => void {
    const key = { pid: process.pid, n: ++this.#n };
    this.#write({ ...key, at: Date.now(), ...request });
    return (status) => this.#write({ ...key, status });
  }

  #write(line: object): void {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** The requests of a log in the order of their arrival; none when the file does not exist. */
export function readRequestLog(file: string): LoggedRequest[] {
  if (!existsSync(file)) return [];
  const requests = new Map<string, LoggedRequest>();
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as LoggedRequest;
    const key = `${line.pid}/${line.n}`;
    requests.set(key, { ...requests.get(key), ...line });
  }
  return [...requests.values()];
}
