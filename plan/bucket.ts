import { BUCKETS } from './words.ts';

const encoder = new TextEncoder();

const scramble = (k: number): number => {
  const product = Math.imul(k, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
};

/**
 * MurmurHash3 x86 32-bit of the UTF-8 bytes of `text`, seed 0, as an unsigned integer.
 * Source: Austin Appleby's public-domain MurmurHash3_x86_32; the hash Unleash normalises with.
 */
export function murmur3(text: string): number {
  const bytes = encoder.encode(text);
  const whole = bytes.length & ~3;
  let hash = 0;
  for (let at = 0; at < whole; at += 4) {
    hash ^= scramble(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!;
  if (bytes.length > whole) hash ^= scramble(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The user's bucket, 0…9999. Its hundreds are Unleash's own percent for this group and user, so at whole percents
 * both agree on everybody; the rest of the hash splits each percent into a hundred steps of 0.01 %.
 */
export function bucketOf(group: string, user: string): number {
  const hash = murmur3(`${group}:${user}`);
  return (hash % 100) * 100 + (Math.floor(hash / 100) % (BUCKETS / 100));
}
