import { BlockList, isIP } from 'node:net';

/** Says of a peer’s address whether its X-Forwarded-* headers are believed. */
export type Trusts = (address: string | undefined) => boolean;

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
const plainOf = (address: string): string =>
  (address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address).replace(/%.*$/, '');

/** Compiles `plan.proxy.trustedHops`, which the Plan has checked: addresses and CIDR blocks. */
export function trustsFrom(hops: readonly string[]): Trusts {
  if (hops.length === 0) return () => false;
  const list = new BlockList();
  for (const hop of hops) {
    const [address, bits] = hop.split('/') as [string, string | undefined];
    const prefix = Number(bits ?? (family(address) === 'ipv6' ? 128 : 32));
    list.addSubnet(address, prefix, family(address));
  }
  return (address) => {
    const plain = plainOf(address ?? '');
    return isIP(plain) !== 0 && list.check(plain, family(plain));
  };
}

/** The address of a hop as proxies write it: `203.0.113.9:51234`, `[2001:db8::1]:443` or `[2001:db8::1]` too. */
const addressIn = (hop: string): string => plainOf(hop.replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2'));

/**
 * The address a request comes from, as far as we know it: the peer’s or, while that is a trusted hop, what the hop says
 * it had the request from. `hops` is X-Forwarded-For.
 */
export function clientAddress(peer: string, hops: string | undefined, trusts: Trusts): string {
  const said = hops === undefined ? [] : hops.split(',').map((hop) => hop.trim());
  let address = plainOf(peer);
  while (trusts(address)) {
    const before = addressIn(said.pop() ?? '');
    if (isIP(before) === 0) break;
    address = before;
  }
  return address;
}
