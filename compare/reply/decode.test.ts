import zlib from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { compareReplies, toReply } from '../index.ts';
import { decode } from './decode.ts';

const json = '{"a":[1,2,3]}';
const packed: [string, Buffer][] = [
  ['gzip', zlib.gzipSync(json)],
  ['x-gzip', zlib.gzipSync(json)],
  ['deflate', zlib.deflateSync(json)],
  ['Deflate', zlib.deflateRawSync(json)],
  ['br', zlib.brotliCompressSync(json)],
  ['gzip, br', zlib.brotliCompressSync(zlib.gzipSync(json))],
  ['identity', Buffer.from(json)],
];
if (zlib.zstdCompressSync) packed.push(['zstd', zlib.zstdCompressSync(json)]);

describe('decode', () => {
  test.each(packed)('undoes %s', (encoding, bytes) => {
    expect(Buffer.from(decode(bytes, encoding) as Uint8Array).toString()).toBe(json);
  });

  test('faults 35: stops at a limit instead of unpacking a bomb', () => {
    const bomb = zlib.gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    expect(decode(bomb, 'gzip', 1_000_000)).toEqual({ why: 'it is larger than 1000000 bytes' });
    expect(decode(Buffer.alloc(11), '', 10)).toEqual({ why: 'it is larger than 10 bytes' });
    const reply = toReply({
      status: 200,
      headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' },
      body: bomb,
    });
    const other = toReply({ status: 200, headers: reply.headers, body: zlib.gzipSync('x') });
    expect(compareReplies(reply, other).kind).toBe('not-comparable');
  });

  test('says why, where it cannot', () => {
    expect(decode(Buffer.from('no'), 'gzip')).toEqual({ why: expect.stringContaining('corrupt') });
    expect(decode(zlib.gzipSync(json).subarray(0, 15), 'gzip')).toEqual({ why: expect.stringContaining('corrupt') });
    expect(decode(Buffer.from('x'), 'compress')).toEqual({
      why: 'its content-encoding compress cannot be undone here',
    });
    expect(decode(Buffer.from('x'), 'gzip,gzip,gzip,gzip,gzip')).toEqual({ why: 'it is encoded 5 times over' });
  });

  test('lets sides compress as they like', () => {
    const reply = (encoding: string, body: Uint8Array) =>
      toReply({ status: 200, headers: { 'content-type': 'application/json', 'content-encoding': encoding }, body });
    for (const [encoding, bytes] of packed) {
      expect(compareReplies(reply('identity', Buffer.from(json)), reply(encoding, bytes)).kind).toBe('equal');
    }
    const spoiled = zlib.brotliCompressSync('{"a":[1,2,4]}');
    expect(compareReplies(reply('gzip', zlib.gzipSync(json)), reply('br', spoiled)).kind).toBe('mismatch');
  });
});
