import { describe, expect, test } from '@jest/globals';
import { routeName } from './learn/route-name.ts';
import { hiddenFields } from './recording/tokens.ts';
import { redactor } from './redact/redact.ts';
import { parseJson } from './reply/json.ts';

/* Anybody writes these texts: customers, the sides, proxies, whoever made a HAR file. */
const { text, sample, body, url } = redactor();
const WAYS: readonly (readonly [name: string, way: (given: string) => unknown])[] = [
  ['a text', text],
  ['a text body', (given) => body(given, 'text/plain')],
  ['JSON', (given) => body(JSON.stringify({ given }), 'application/json')],
  ['torn JSON', (given) => body(`{"${given}`, 'application/json')],
  ['a form', (given) => body(given, 'application/x-www-form-urlencoded')],
  ['a sample', (given) => sample('$.a', `{"${given}`)],
  ['a path', url],
  ['an HTML form', hiddenFields],
  ['a route', (given) => routeName('GET', given)],
  ['a number', (given) => parseJson(`[1${given.replace(/\D/g, '0')}1]`)],
];
const WORDS = [
  ...['eyJ-', 'eyJaaaaa-', 'eyJaaaaa.', '\\"', '"', '"a":', 'a@', 'a@a.', '1-', '1 ', '0', '://a:', 'Bearer ', 'A1 '],
  ...['AB12', '-----BEGIN ', 'name=a ', '<a ', '<input ', 'abc="', 'abc:', '[a ', '%', '&', '=', '?', '{', '\r\n'],
];

/** CPU time in µs; less than a few milliseconds is the machine’s noise. */
function work(way: (given: string) => unknown, word: string, length: number): number {
  const given = word.repeat(length / word.length);
  const before = process.cpuUsage().user;
  way(given);
  return Math.max(4_000, process.cpuUsage().user - before);
}

describe('of three times doubled text', () => {
  // Linear work is eight times as much then, quadratic work 64 times; noise is in one of three tries, not in all.
  test.each(WAYS)('%s takes eight times the work, whatever it is made of', (_, way) => {
    const superlinear = WORDS.filter((word) => {
      for (let attempt = 0; attempt < 3; attempt++) {
        if (work(way, word, 32 * 1024) < 24 * work(way, word, 4 * 1024)) return false;
      }
      return true;
    });
    expect(superlinear).toEqual([]);
  });
});
