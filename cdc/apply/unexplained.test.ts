import { describe, expect, test } from '@jest/globals';
import { Unexplained } from './unexplained.ts';

describe('errors nobody knows', () => {
  test('are a row’s own after five tries, and tried again after a commit', () => {
    const unexplained = new Unexplained();
    for (let at = 0; at < 5; at++) {
      expect(unexplained.exhausted).toBe(false);
      unexplained.failed();
    }
    expect(unexplained.exhausted).toBe(true);
    unexplained.committed();
    expect(unexplained.exhausted).toBe(false);
  });

  test('stop the stream when ten rows in a row meet them and none is taken', () => {
    const unexplained = new Unexplained();
    const refuse = (times: number) => {
      for (let at = 0; at < times; at++) unexplained.kept(new Error('odd'));
    };
    refuse(10);
    unexplained.taken();
    refuse(10);
    expect(() => refuse(1)).toThrow('the target refuses 10 rows in a row, and nobody knows why: odd');
  });
});
