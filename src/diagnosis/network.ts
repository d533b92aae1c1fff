import { type Clock, deadline } from '../base/environment.ts';
import { describeError } from '../protocol/errors.ts';
import { type CheckId, type Evidence, type Finding, note, ok, problem, skipped } from './check.ts';
import type { Check } from './run.ts';

/** The network below HTTP, handed in. Each call rejects with an error that has the platform's `code`. */
export interface NetworkEdge {
  /** The addresses of a host, in the order to try them. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Opens a connection and closes it. */
  readonly connect: (address: string, port: number, signal: AbortSignal) => Promise<void>;
  /** Makes a TLS handshake and closes the connection. A certificate that is not trusted is no rejection. */
  readonly secure: (host: string, port: number, signal: AbortSignal) => Promise<Secured>;
}

/** What a TLS handshake showed. */
export interface Secured {
  /** `TLSv1.3`. */
  readonly protocol: string;
  readonly subject: string;
  readonly issuer: string;
  /** In ms since the epoch. */
  readonly validUntil: number;
  /** Why the certificate is not trusted, as the platform's code; undefined when it is. */
  readonly fault: string | undefined;
}

/** At most so many addresses of a name are tried. */
const MAX_ADDRESSES = 4;
/** How long one connection may take to be made, in ms. */
const CONNECT_LIMIT_MS = 3000;
/** A certificate that ends sooner than this is worth a word, in ms. */
const SOON_MS = 14 * 24 * 3_600_000;

/** The network path to a server below HTTP. */
export class Way {
  /** Why it leads nowhere, as the reason for which later checks are not made; undefined as long as it does. */
  blocked: string | undefined;
  #addresses: readonly string[] = [];
  readonly #url: URL;
  readonly #edge: NetworkEdge;
  readonly #clock: Clock;
  readonly #problems = new Map<CheckId, Finding>();

  constructor(url: URL, edge: NetworkEdge, clock: Clock) {
    this.#url = url;
    this.#edge = edge;
    this.#clock = clock;
  }

  /**
   * The findings of these checks once it is known that the server answers all the same: the editor, or a proxy, knows
   * another way.
   */
  get revised(): ReadonlyMap<CheckId, Finding> {
    const revised = new Map<CheckId, Finding>();
    for (const [id, { says }] of this.#problems) {
      const advice =
        'Requests take another way than this direct one: a proxy, or certificates of the editor.';
      revised.set(id, note(`${says} The server answers all the same.`, { advice }));
    }
    return revised;
  }

  get checks(): readonly Check[] {
    const check = (id: CheckId, title: string, look: Check['look']): Check => ({
      id,
      title,
      look: async (signal, seen) => {
        const finding = await look(signal, seen);
        if (finding.verdict === 'problem') {
          this.blocked ??= `There is no way to the server: see ${title}.`;
          this.#problems.set(id, finding);
        }
        return finding;
      },
    });
    return [
      check('dns', 'Name', (_, seen) => this.#lookUp(seen)),
      check('tcp', 'Connection', (signal, seen) => this.#connect(signal, seen)),
      check('tls', 'Encryption', (signal, seen) => this.#secure(signal, seen)),
    ];
  }

  get #port(): number {
    return Number(this.#url.port || (this.#url.protocol === 'https:' ? 443 : 80));
  }

  get #host(): string {
    return this.#url.hostname.replace(/^\[|\]$/g, '');
  }

  async #lookUp(seen: (evidence: Evidence) => void): Promise<Finding> {
    const host = this.#host;
    if (isAddress(host)) {
      this.#addresses = [host];
      return ok(`${host} is an address: there is no name to look up.`);
    }
    const told = this.#timed(`lookup of ${host}`, seen);
    try {
      this.#addresses = await this.#edge.resolve(host);
    } catch (error) {
      told({ failure: describeError(error) });
      return codeOf(error) === 'EAI_AGAIN'
        ? problem(`No name server answered for ${host}.`, {
            advice: 'Is this machine connected to its network?',
          })
        : problem(`There is no host of the name ${host}.`, { advice: 'Check the spelling of the address.' });
    }
    told({ body: this.#addresses.join(', ') });
    const count = this.#addresses.length;
    return ok(
      `${host} is ${this.#addresses.join(', ')}${count > 1 ? ': the first that answers is used' : ''}.`,
    );
  }

  async #connect(signal: AbortSignal, seen: (evidence: Evidence) => void): Promise<Finding> {
    if (this.blocked) return skipped(this.blocked);
    const failures: { address: string; code: string }[] = [];
    const tried = this.#addresses.slice(0, MAX_ADDRESSES);
    const limit = deadline(this.#clock, CONNECT_LIMIT_MS, signal);
    await Promise.all(
      tried.map(async (address) => {
        const told = this.#timed(`connection to ${address} port ${this.#port}`, seen);
        await this.#edge.connect(address, this.#port, limit.signal).then(
          () => told({}),
          (error) => {
            told({ failure: describeError(error) });
            failures.push({ address, code: codeOf(error) });
          },
        );
      }),
    ).finally(limit.release);
    if (failures.length < tried.length) return this.#connected(failures.map(({ address }) => address));
    const isRefused = failures.every(({ code }) => code === 'ECONNREFUSED');
    return isRefused
      ? problem(`Nothing listens on port ${this.#port} of ${this.#host}.`, {
          advice: 'Is the server running, and is this its port?',
        })
      : problem(`No connection to port ${this.#port} of ${this.#host} could be made.`, {
          advice: 'A firewall or a wrong address is the usual cause.',
        });
  }

  #connected(deaf: readonly string[]): Finding {
    if (deaf.length === 0) return ok(`Port ${this.#port} is open.`);
    return note(
      `Port ${this.#port} is open, but not at ${deaf.join(', ')}, to which the name leads as well.`,
      {
        advice: `A client that tries one address alone may find nobody. Let the server listen on all of them, or write its address in place of ${this.#host}.`,
      },
    );
  }

  async #secure(signal: AbortSignal, seen: (evidence: Evidence) => void): Promise<Finding> {
    if (this.#url.protocol !== 'https:') return skipped('The address begins with http.');
    if (this.blocked) return skipped(this.blocked);
    const told = this.#timed('TLS handshake', seen);
    let secured: Secured;
    try {
      secured = await this.#edge.secure(this.#host, this.#port, signal);
    } catch (error) {
      told({ failure: describeError(error) });
      return problem('The TLS handshake failed.', {
        advice: /EPROTO|WRONG_VERSION|PACKET_LENGTH|ECONNRESET/.test(
          `${codeOf(error)} ${describeError(error)}`,
        )
          ? 'Does the server speak plain HTTP on this port? Then the address begins with http://.'
          : 'Look at the TLS settings of the server.',
      });
    }
    const { protocol, subject, issuer, validUntil, fault } = secured;
    told({
      body: `${protocol}, certificate of ${subject}, issued by ${issuer}, valid until ${dayOf(validUntil)}`,
    });
    if (fault !== undefined) return problem(...untrusted(fault, this.#host));
    return validUntil - this.#clock.now() < SOON_MS
      ? note(`The certificate is good, and ends on ${dayOf(validUntil)}.`, { advice: 'Renew it.' })
      : ok(`${protocol}, with a certificate that is trusted.`);
  }

  /** Takes the time from now on; what is told later becomes evidence. */
  #timed(what: string, seen: (evidence: Evidence) => void): (came: Partial<Evidence>) => void {
    const startedAt = this.#clock.monotonic();
    return (came) => seen({ what, ...came, durationMs: this.#clock.monotonic() - startedAt });
  }
}

function untrusted(fault: string, host: string): [says: string, more: { advice: string }] {
  switch (fault) {
    case 'CERT_HAS_EXPIRED':
      return ['The certificate has expired.', { advice: 'Renew it at the server.' }];
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return [
        'The certificate is signed by nobody that this machine trusts (self-signed).',
        {
          advice:
            "Make its authority known to this machine: NODE_EXTRA_CA_CERTS, or the system's certificates.",
        },
      ];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return [`The certificate is not for ${host}.`, { advice: 'Use a name for which it was issued.' }];
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return [
        'The authority that issued the certificate is not known here.',
        {
          advice:
            'Let the server send its intermediate certificates, or make the authority known to this machine.',
        },
      ];
    default:
      return [
        `The certificate is not trusted (${fault}).`,
        { advice: 'Look at the certificate of the server.' },
      ];
  }
}

const isAddress = (host: string) => /^[\d.]+$/.test(host) || host.includes(':');

const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
