import { BlockList, isIP } from 'node:net';

/** Says of a peer’s address whether its X-Forwarded-* headers are believed. */
export type Trusts = (address: string | undefined) => boolean;

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

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
    if (address === undefined) return false;
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
    return list.check(plain, family(plain));
  };
}
