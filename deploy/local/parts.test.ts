import { expect, test } from '@jest/globals';
import { namedParts, selectParts } from './parts.ts';

test('a part comes with what it needs', () => {
  expect(selectParts(['connect'])).toEqual(['kafka', 'connect']);
  expect(selectParts(['unleash', 'mysql'])).toEqual(['mysql', 'postgres', 'unleash']);
});

test('to stop a part is to stop that one only', () => {
  expect(namedParts(['connect'])).toEqual(['connect']);
});

test('an unknown part is refused with the names of the known ones', () => {
  expect(() => selectParts(['redis'])).toThrow('there is no part "redis": mysql, postgres, kafka, connect, unleash');
});
