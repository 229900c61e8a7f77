import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RefusedRequest } from './answer.ts';
import { isAuthority, originForm, readingsOf } from './path.ts';

describe('readings of a target', () => {
  test.each([
    ['/api/orders', ['/api/orders']],
    ['/', ['/']],
    ['/api/orders/?a=/../b', ['/api/orders/']],
    ['/api/%6frders', ['/api/orders']],
    ['/%E2%82%AC', ['/€']],
    ['//api//orders', ['//api//orders', '/api/orders']],
    ['/.well-known/x', ['/.well-known/x']],
  ])('%s means %j', (target, readings) => {
    expect(readingsOf(target)).toEqual(readings);
  });

  test('faults 8 an encoded slash is read both as part of a segment and as the end of one', () => {
    const readings = readingsOf('/api/orders%2f7');
    expect(readings).toContain('/api/orders/7');
    expect(readings.some((reading) => reading.split('/').length === 3)).toBe(true);
  });

  test('faults 8 no target makes it throw anything but Refused, and no reading has a dot segment', () => {
    const pieces = fc.constantFrom('/', '.', '..', '%2e', '%2F', '%5c', '\\', '%00', 'a', '%', '?', '%c3%a9', 'orders');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        try {
          for (const reading of readingsOf(`/${parts.join('')}`)) {
            expect(reading.split(/[/\0]/)).not.toContain('..');
            expect(reading.split(/[/\0]/)).not.toContain('.');
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RefusedRequest);
        }
      }),
    );
  });
});

test('faults 7 an absolute target gives its path and its authority', () => {
  expect(originForm('http://shop.test:8080?a=1')).toEqual({ target: '/?a=1', authority: 'shop.test:8080' });
  expect(originForm('/x')).toEqual({ target: '/x', authority: undefined });
  expect(() => originForm('shop.test:80')).toThrow(RefusedRequest);
});

test.each(['a', 'a.b:80', '[::1]:80', '127.0.0.1'])('faults 6 %s is an authority', (text) => {
  expect(isAuthority(text)).toBe(true);
});
test.each(['', 'a,b', 'a/b', 'u@a', 'a:b', 'a b', '[::1', 'a:1:2'])('faults 6 %j is none', (text) => {
  expect(isAuthority(text)).toBe(false);
});
