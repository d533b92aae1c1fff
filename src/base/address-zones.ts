/**
 * Where an address is, as far as it says so itself. A name that leads to a private address is not seen through: names
 * are looked up by whoever makes the request, and may be answered otherwise the next time.
 *
 * - `loopback`: this machine. `linkLocal`: its own network segment, where clouds keep their credentials.
 * - `private`: a network that is not the public one, by address or by the form of the name.
 */
export type Zone = 'loopback' | 'linkLocal' | 'private' | 'public';

const LOOPBACK_NAME = /^(?:.+\.)?localhost$|^localhost\.localdomain$|^ip6-(?:localhost|loopback)$/;
/** Reserved for networks of one's own (RFC 6762, RFC 8375, ICANN's .internal), or looked for in one's own domain. */
const PRIVATE_NAME = /\.(?:local|localdomain|internal|home\.arpa|lan|intranet|corp|home)$|^[^.]+$/;

/** Of IPv4, each with the bits that count; the first that fits. */
const ZONES_OF_4: readonly (readonly [address: string, bits: number, zone: Zone])[] = [
  // A connection to 0.0.0.0 reaches this machine.
  ['0.0.0.0', 8, 'loopback'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'linkLocal'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['192.0.0.0', 24, 'private'],
  ['198.18.0.0', 15, 'private'],
  ['224.0.0.0', 3, 'private'],
];

/** The zone of an http or https address. `URL` has written every spelling of an IP address in one way already. */
export function zoneOf({ hostname }: URL): Zone {
  if (hostname.startsWith('[')) return zoneOf6(groupsOf(hostname.slice(1, -1)));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return zoneOf4(numberOf4(hostname));
  const name = hostname.replace(/\.$/, '');
  if (LOOPBACK_NAME.test(name)) return 'loopback';
  return PRIVATE_NAME.test(name) ? 'private' : 'public';
}

/**
 * Whether a host name, as `URL` writes it, always means this machine: `localhost` and its subdomains (RFC 6761, 6.3),
 * 127.0.0.0/8 and ::1. No proxy stands before it.
 */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function zoneOf4(address: number): Zone {
  const found = ZONES_OF_4.find(([start, bits]) => (address ^ numberOf4(start)) >>> (32 - bits) === 0);
  return found?.[2] ?? 'public';
}

function numberOf4(address: string): number {
  return address.split('.').reduce((number, part) => ((number << 8) | Number(part)) >>> 0, 0);
}

/** By RFC 4291, and those that hold an address of IPv4: mapped, compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056). */
function zoneOf6(groups: readonly number[]): Zone {
  const [first = 0, second = 0, third = 0, , , , seventh = 0, eighth = 0] = groups;
  const isZero = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);
  const last = ((seventh << 16) | eighth) >>> 0;
  if (isZero(0, 7) && eighth <= 1) return 'loopback';
  if (isZero(0, 6) || (isZero(0, 5) && groups[5] === 0xffff)) return zoneOf4(last);
  if (first === 0x64 && second === 0xff9b) return isZero(2, 6) ? zoneOf4(last) : 'private';
  if (first === 0x2002) return zoneOf4(((second << 16) | third) >>> 0);
  if (first >>> 6 === 0xfe80 >>> 6) return 'linkLocal';
  // Unique local, site-local, multicast, and Teredo.
  const isPrivate = first >>> 9 === 0xfc00 >>> 9 || first >>> 6 === 0xfec0 >>> 6 || first >>> 8 === 0xff;
  return isPrivate || (first === 0x2001 && second === 0) ? 'private' : 'public';
}

function groupsOf(address: string): readonly number[] {
  const [left = [], right] = address.split('::').map((half) =>
    half
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16)),
  );
  const gap = right ? Array<number>(8 - left.length - right.length).fill(0) : [];
  return [...left, ...gap, ...(right ?? [])];
}
