import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { harBody } from './har-body.ts';

describe('the body of a HAR', () => {
  test('H6: that says base64 and is, comes out as the bytes it was, whichever alphabet, padding and line breaks', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (given) => {
        const bytes = Buffer.from(given);
        const base64 = bytes.toString('base64');
        const broken = base64.replace(/(.{4})/g, '$1\r\n');
        for (const text of [base64, broken, base64.replace(/=+$/, ''), bytes.toString('base64url')]) {
          expect(harBody(text, 'base64', bytes.length)).toEqual(bytes);
        }
      }),
    );
  });

  test.each([
    ['{"total": 5}', undefined],
    ['Hello', undefined],
    ['<html></html>', undefined],
    ['abc=d', undefined],
    ['ab=', undefined],
    ['done', 4],
    ['grüße', undefined],
  ])('H2: that says base64 and is the text %j, is that text', (text, size) => {
    expect(harBody(text, 'base64', size)).toBe(text);
  });

  test('is text where it says nothing, and unknown where it says what nobody here can undo', () => {
    expect(harBody('abcd', undefined)).toBe('abcd');
    expect(harBody('abcd', 'UTF-8')).toBe('abcd');
    expect(harBody('abcd', 'Base64')).toEqual(Buffer.from('abcd', 'base64'));
    expect(harBody('abcd', 'quoted-printable')).toEqual({ unknown: 'its encoding quoted-printable is unknown here' });
  });
});
