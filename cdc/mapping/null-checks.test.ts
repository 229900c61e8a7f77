import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isAssured, readNullCheck } from './null-checks.ts';

/** Which of a, b and c are NULL where a condition holds, as `-bc` for a alone; undefined if it is not read. */
const where = (condition: string) => {
  const check = readNullCheck(condition);
  const all = ['abc', 'ab-', 'a-c', 'a--', '-bc', '-b-', '--c', '---'];
  return check && all.filter((set) => check.holds((name) => !set.includes(name))).join(' ');
};

describe('a CHECK constraint about what may be NULL', () => {
  test.each([
    ['((`a` is not null) or (`b` is not null))', 'abc ab- a-c a-- -bc -b-'],
    ['(((a IS NOT NULL) AND (b IS NOT NULL)) OR (c IS NOT NULL))', 'abc ab- a-c -bc --c'],
    ['((`a` is null) xor (`b` is null))', 'a-c a-- -bc -b-'],
    ['((a IS NULL) <> (b IS NULL))', 'a-c a-- -bc -b-'],
    ['(num_nonnulls(a, b, c) = 1)', 'a-- -b- --c'],
    ['(num_nonnulls(a, "b") >= 1)', 'abc ab- a-c a-- -bc -b-'],
    ['num_nonnulls(a, b) > 1', 'abc ab-'],
    ['((a IS NULL) OR (b IS NULL))', 'a-c a-- -bc -b- --c ---'],
  ])('%s lets in what is not NULL so: %s', (condition, expected) => {
    expect(where(condition)).toBe(expected);
  });

  test.each([
    ['((a > 0) OR (b IS NOT NULL))'],
    ['(a IS NOT NULL) OR (b IS NOT NULL) AND (c IS NOT NULL)'],
    ["(a IS NOT NULL) OR (status = 'x')"],
    ['coalesce(a, b) IS NOT NULL'],
    ['(a IS NOT NULL'],
    ['num_nonnulls(a, b)'],
    [''],
  ])('%s is not read: it says nothing here', (condition) => {
    expect(where(condition)).toBeUndefined();
  });

  test('names are those within the quotes', () => {
    expect(readNullCheck('((`a``b` is null) or ("c""d" is null))')?.columns).toEqual(['a`b', 'c"d']);
  });

  test('assures what no row that passes it lacks, whatever else is NULL', () => {
    const column = (name: string, nullable = true) => ({ name, nullable });
    const any = (isNull: (name: string) => boolean) => !isNull('a') || !isNull('b');
    expect(isAssured([column('a'), column('b')], [], any)).toBe(false);
    expect(isAssured([column('a', false), column('b')], [], any)).toBe(true);
    expect(isAssured([column('a'), column('b')], ['((a IS NOT NULL) OR (b IS NOT NULL))'], any)).toBe(true);
    expect(isAssured([column('a'), column('b')], ['((a IS NOT NULL) OR (other IS NOT NULL))'], any)).toBe(false);
    expect(isAssured([column('a'), column('b')], ['(a IS NOT NULL)', 'something(b)'], any)).toBe(true);
  });

  test('the statement we give assures it, for any ways', () => {
    const ways = fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }), { minLength: 1 });
    fc.assert(
      fc.property(ways, (all) => {
        const parts = all.map((way) => `(${way.map((name) => `(${name} IS NOT NULL)`).join(' AND ')})`);
        const wanted = (isNull: (name: string) => boolean) => all.some((way) => !way.some(isNull));
        const columns = ['a', 'b', 'c', 'd'].map((name) => ({ name, nullable: true }));
        expect(isAssured(columns, [`(${parts.join(' OR ')})`], wanted)).toBe(true);
        expect(isAssured(columns, [], wanted)).toBe(false);
      }),
    );
  });
});
