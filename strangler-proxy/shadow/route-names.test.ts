import { expect, test } from '@jest/globals';
import { Places } from '../identity/places.ts';
import { routedCapabilities } from '../route.ts';
import { planOf } from '../testing/stage.ts';
import { RouteNames } from './route-names.ts';

const url = 'http://127.0.0.1:1';
const routed = (routes: string[]) =>
  routedCapabilities(planOf({ monolith: url, service: url, routes, readOnly: [] }), new Places())[0]!;

test('faults 90 a path with a parameter of the Plan is one route, whatever it is called there', () => {
  const names = new RouteNames();
  const capability = routed(['ANY /articles/:slug', 'ANY /articles/:slug/comments/**']);
  expect(names.nameOf(capability, '/articles/how-to-train-your-dragon?page=2')).toBe('GET /articles/{slug}');
  expect(names.nameOf(capability, '/articles/another/comments/17')).toBe('GET /articles/{slug}/comments/{id}');
  expect(names.nameOf(capability, '/articles/another/comments')).toBe('GET /articles/{slug}/comments');
});

test('faults 90 without one, ids and slugs that end in a number are seen, and the number of routes is bounded', () => {
  const names = new RouteNames();
  const capability = routed(['ANY /articles/**']);
  expect(names.nameOf(capability, '/articles/a-story-115')).toBe('GET /articles/{id}');
  const word = (nth: number) => [...String(nth)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
  const found = new Set(Array.from({ length: 500 }, (_, nth) => names.nameOf(capability, `/articles/${word(nth)}`)));
  expect(found.size).toBe(100);
  expect(names.nameOf(capability, '/articles/..')).toBe('(other endpoints)');
});
