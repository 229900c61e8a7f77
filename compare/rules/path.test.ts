import { describe, expect, test } from '@jest/globals';
import { concretePath, type Place, parsePath, templatePath } from './path.ts';

const place = (...keys: (string | number)[]) =>
  keys.reduce<Place | undefined>((parent, key) => ({ parent, key, depth: (parent?.depth ?? 0) + 1 }), undefined);

describe('parsePath', () => {
  test('reads names, indexes, wildcards and quoted names', () => {
    expect(parsePath(String.raw`$.a['b c'][0][*].*["d\"e"]['it\'s']`)).toEqual([
      { name: 'a' },
      { name: 'b c' },
      { index: 0 },
      { any: true },
      { any: true },
      { name: 'd"e' },
      { name: "it's" },
    ]);
    expect(parsePath('$')).toEqual([]);
    expect(parsePath('$..a.b..*')).toEqual([
      { deep: true },
      { name: 'a' },
      { name: 'b' },
      { deep: true },
      { any: true },
    ]);
  });

  test.each(['a.b', '$.', '$...b', '$..', '$..[0]', '$.a[', '$.a[-1]', '$.a[1:2]', '$.a[?@.b]', '$ .a', '$.a b'])(
    'refuses %s, saying where it stopped',
    (path) => {
      expect(() => parsePath(path)).toThrow(/must begin with|not understood from/);
    },
  );
});

describe('a place', () => {
  test('is shown exactly, and as a template in which all elements look alike', () => {
    const at = place('orders', 3, 'odd name', "it's", '*');
    expect(concretePath(at, '$')).toBe(String.raw`$.orders[3]['odd name']['it\'s']['*']`);
    expect(templatePath(at, '$')).toBe(String.raw`$.orders[*]['odd name']['it\'s']['*']`);
    expect(concretePath(undefined, '$')).toBe('$');
  });

  test('can be read back as the path of a rule', () => {
    const at = place('a', 3, 'b c', "it's", '\\');
    expect(parsePath(concretePath(at, '$')).map((segment) => Object.values(segment)[0])).toEqual([
      'a',
      3,
      'b c',
      "it's",
      '\\',
    ]);
  });

  test('nested thousands deep shows its two ends', () => {
    const deep = concretePath(place(...Array(5000).fill('a'), 'end'), '$');
    expect(deep).toMatch(/^\$\.a.*….*\.a\.end$/);
    expect(deep.length).toBeLessThan(200);
  });
});
