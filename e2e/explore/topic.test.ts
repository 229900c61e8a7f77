import { describe, expect, test } from '@jest/globals';
import { AssemblyError } from '../../cdc/log/assemble.ts';
import { applied, SIZES, topics } from './topic.ts';

const EXPECTED = SIZES.map((size, at) => `${at + 1}: ${Array.from({ length: size }, (_, n) => n + 1).join(' ')}`);

describe.each(['mysql', 'postgres'] as const)('a topic of %s, whatever Connect repeats', (dialect) => {
  test('faults 58, 63: each transaction is applied once and whole, wherever Connect and the applier are killed', () => {
    let runs = 0;
    for (const topic of topics(dialect, 2)) {
      for (let reads = 0; reads <= topic.length; reads++) {
        const kills = reads ? [reads] : [];
        runs++;
        const found = applied(topic, kills);
        if (String(found) !== String(EXPECTED))
          throw new Error(`${JSON.stringify(found)} after ${kills} of ${topic.map(({ kind }) => kind).join(' ')}`);
      }
    }
    expect(runs).toBeGreaterThan(40_000);
  });

  test('the same for an applier that is killed twice', () => {
    for (const topic of topics(dialect, 1)) {
      for (let first = 1; first <= topic.length; first++)
        for (let second = 1; second <= topic.length; second++)
          expect([first, second, applied(topic, [first, second])]).toEqual([first, second, EXPECTED]);
    }
  });

  test('a row that is missing stops the stream; nothing is applied in part', () => {
    const [topic] = topics(dialect, 0);
    for (const [at, { kind }] of topic!.entries()) {
      if (kind === 'row') expect(() => applied(topic!.toSpliced(at, 1), [])).toThrow(AssemblyError);
    }
  });
});
