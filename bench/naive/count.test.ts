import { describe, expect, test } from '@jest/globals';
import { count } from './count.ts';

const row = (id: number, purchase: string) => ({ id: String(id), purchase });

describe('counting both databases', () => {
  test('an order that was copied is one order', () => {
    expect(count(new Set(['7:a']), [row(1, '7:a')], [row(1, '7:a')])).toEqual({ lost: 0, stranded: 0, doubled: 0 });
  });

  test('an acknowledged order that only the other side holds is lost to its customer, and stranded', () => {
    expect(count(new Set(['7:a', '7:b']), [row(1, '7:a')], [row(2, '7:b')])).toEqual({
      lost: 1,
      stranded: 1,
      doubled: 0,
    });
  });

  test('an acknowledged order that nobody holds is lost and not even stranded', () => {
    expect(count(new Set(['7:a']), [], [])).toEqual({ lost: 1, stranded: 0, doubled: 0 });
  });

  test('two orders of one purchase are doubled, whether they stand in one database or in both', () => {
    expect(count(new Set(['7:a']), [row(1, '7:a')], [row(2, '7:a')]).doubled).toBe(1);
    expect(count(new Set(['7:a']), [row(1, '7:a'), row(3, '7:a')], []).doubled).toBe(1);
  });

  test('an order whose acknowledgement never came is neither lost nor doubled', () => {
    expect(count(new Set(), [row(1, '7:a')], [])).toEqual({ lost: 0, stranded: 0, doubled: 0 });
  });
});
