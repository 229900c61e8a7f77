import zlib from 'node:zlib';

/** More than any JSON a comparison could get through; what is larger is not looked into. */
export const MAX_DECODED_BYTES = 16 * 1024 * 1024;

type Unpack = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

const UNPACK: ReadonlyMap<string, Unpack | undefined> = new Map<string, Unpack | undefined>([
  ['gzip', zlib.gunzipSync],
  ['x-gzip', zlib.gunzipSync],
  ['deflate', inflate],
  ['br', zlib.brotliDecompressSync],
  ['zstd', zlib.zstdDecompressSync], // Node 22.15 and later
]);

/** Senders disagree whether deflate has a zlib header. */
function inflate(bytes: Uint8Array, options: { readonly maxOutputLength: number }): Uint8Array {
  const hasHeader = (bytes[0]! & 0x0f) === 8 && ((bytes[0]! << 8) | bytes[1]!) % 31 === 0;
  return hasHeader ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options);
}

/** The bytes without their content-encoding, or why they cannot be had: unknown, corrupt, or more than `limit` bytes. */
export function decode(
  bytes: Uint8Array,
  encoding: string,
  limit = MAX_DECODED_BYTES,
): Uint8Array | { readonly why: string } {
  const codings = encoding === '' ? [] : codingsIn(encoding);
  if (codings.length > 4) return { why: `it is encoded ${codings.length} times over` };
  let decoded = bytes;
  for (const coding of codings.reverse()) {
    const unpack = UNPACK.get(coding);
    if (!unpack) return { why: `its content-encoding ${coding} cannot be undone here` };
    try {
      decoded = unpack(decoded, { maxOutputLength: limit });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE') return { why: `it is larger than ${limit} bytes` };
      return { why: `its ${coding} is corrupt: ${message}` };
    }
  }
  return decoded.length > limit ? { why: `it is larger than ${limit} bytes` } : decoded;
}

const codingsIn = (encoding: string): string[] =>
  encoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
