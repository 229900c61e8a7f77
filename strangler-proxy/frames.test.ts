import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closeFrame, Frames } from './frames.ts';

/** A frame as RFC 6455 writes it. */
function frame(length: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? [0x82, mask | length]
      : length < 65_536
        ? [0x82, mask | 126, length >> 8, length & 255]
        : [0x82, mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0), Buffer.alloc(length)]);
}

test('however a stream of frames is cut, its ends are found', () => {
  const lengths = fc.array(fc.constantFrom(0, 1, 125, 126, 65_535, 65_536, 70_000), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(lengths, fc.boolean(), fc.integer({ min: 1, max: 66_000 }), (all, masked, cut) => {
      const frames = new Frames();
      const ends: number[] = [];
      const bytes = Buffer.concat(all.map((length) => frame(length, masked)));
      let at = 0;
      while (at < bytes.length) {
        at += frames.take(bytes.subarray(at, at + cut), true);
        if (frames.between) ends.push(at);
      }
      let sum = 0;
      expect(ends).toEqual(
        all.map((length) => {
          sum += frame(length, masked).length;
          return sum;
        }),
      );
    }),
    { numRuns: 50 },
  );
});

test('a close frame says 1001, masked towards a server', () => {
  expect([...closeFrame(1001, false)]).toEqual([0x88, 0x02, 0x03, 0xe9]);
  expect([...closeFrame(1001, true)]).toEqual([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]);
});
