'use strict';

const BUCKETS = 10_000;
/** Parts of the buckets that are locked apart from each other: 1 % of the users each. */
const PARTS = 100;

const encoder = new TextEncoder();

const scramble = (k) => {
  const product = Math.imul(k, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
};

/**
 * MurmurHash3 x86 32-bit of the UTF-8 bytes of `text`, seed 0, as an unsigned integer.
 * Source: Austin Appleby's public-domain MurmurHash3_x86_32, as in the toolkit's plan/bucket.ts.
 */
function murmur3(text) {
  const bytes = encoder.encode(text);
  const whole = bytes.length & ~3;
  let hash = 0;
  for (let at = 0; at < whole; at += 4) {
    hash ^= scramble(bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at];
  if (bytes.length > whole) hash ^= scramble(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The bucket of a user, 0…9999: the same as the toolkit's. */
function bucketOf(group, user) {
  const hash = murmur3(`${group}:${user}`);
  return (hash % 100) * 100 + (Math.floor(hash / 100) % 100);
}

/** The part whose lock guards this user. */
const partOf = (group, user) => Math.floor(bucketOf(group, user) / (BUCKETS / PARTS));

module.exports = { BUCKETS, bucketOf, partOf };
