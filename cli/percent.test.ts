import { describe, expect, test } from '@jest/globals';
import { readPercentage, readSteps, sayBoundary, sayPercent } from './percent.ts';

describe('percentages on the command line', () => {
  test.each([
    ['25', 25],
    ['25%', 25],
    ['25 %', 25],
    ['0.01', 0.01],
    ['12.5%', 12.5],
    ['0', 0],
    ['100', 100],
    ['100.00', 100],
  ])('%s is %d', (text, percentage) => expect(readPercentage(text)).toBe(percentage));

  test.each([['101'], ['100.01'], ['-1'], ['0.001'], ['abc'], [''], ['1e1'], ['NaN'], ['25%%'], ['1,5'], ['Infinity']])(
    '%j is none, and the message says what is',
    (text) => expect(() => readPercentage(text)).toThrow(/0 to 100 in steps of 0\.01/),
  );

  test('steps rise', () => {
    expect(readSteps('0.5,10%, 100')).toEqual([0.5, 10, 100]);
    for (const wrong of ['10,10', '50,25', '0,10']) expect(() => readSteps(wrong)).toThrow(/must rise/);
    expect(() => readSteps('10,,20')).toThrow(/no percentage/);
  });

  test('they are said without rounding noise', () => {
    expect(sayPercent(0.1 + 0.2)).toBe('0.3 %');
    expect(sayBoundary(1)).toBe('0.01 %');
    expect(sayBoundary(10_000)).toBe('100 %');
  });
});
