import { describe, expect, test } from '@jest/globals';
import { bar } from './bar.ts';
import { plain } from './paint.ts';
import { renderTable } from './table.ts';
import { clip, inert, widthOf, wrap } from './text.ts';

describe('a table', () => {
  const columns = [{ title: 'ID', right: true }, { title: 'NAME' }, { title: 'REASON' }] as const;
  const row = (...texts: string[]) => texts.map((text) => ({ text }));

  test('is aligned, and what is too wide is cut from the last column', () => {
    expect(
      renderTable(columns, [row('7', 'orders', 'because of this'), row('12', '注文', 'short')], 24, plain),
    ).toEqual(['ID  NAME    REASON', ' 7  orders  because of…', '12  注文    short']);
  });

  test('colours do not shift columns', () => {
    const lines = renderTable(
      [{ title: 'A' }, { title: 'B' }],
      [[{ text: 'x', tone: 'good' }, { text: 'y' }]],
      80,
      (_, text) => `<${text}>`,
    );
    expect(lines).toEqual(['<A>  <B>', '<x>  y']);
  });
});

describe('text for a terminal', () => {
  test('is measured in columns', () => {
    expect(widthOf('é')).toBe(1);
    expect(widthOf('e\u0301')).toBe(1);
    expect(widthOf('日本')).toBe(4);
  });

  test('is cut and wrapped within its columns', () => {
    expect(clip('abcdef', 6)).toBe('abcdef');
    expect(clip('abcdefg', 6)).toBe('abcde…');
    expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrap('averyverylongword', 8)).toEqual(['averyve…']);
  });

  test('has nothing in it that a terminal obeys', () => {
    expect(inert('a\x1b]0;title\x07b\r\nc')).toBe('a ]0;title b c');
  });
});

describe('a bar', () => {
  test('is full or empty only when everybody is on one side', () => {
    expect(bar(0, 4)).toBe('░░░░');
    expect(bar(1, 4)).toBe('█░░░');
    expect(bar(5_000, 4)).toBe('██░░');
    expect(bar(9_999, 4)).toBe('███░');
    expect(bar(10_000, 4)).toBe('████');
  });
});
