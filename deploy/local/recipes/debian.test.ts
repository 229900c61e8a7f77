import { expect, test } from '@jest/globals';
import { debianMirror } from './debian.ts';

test('the mirror is the one the machine already uses, in either format of its sources', () => {
  expect(
    debianMirror(['# deb http://old.example/debian x main\ndeb [arch=amd64] http://a.example/debian sid main']),
  ).toBe('http://a.example/debian');
  expect(debianMirror(['Types: deb\nURIs: https://b.example/pub/debian/\nSuites: bookworm'])).toBe(
    'https://b.example/pub/debian',
  );
});

test('other archives are no Debian mirror', () => {
  expect(
    debianMirror(['deb http://a.example/debian-security x main', 'URIs: https://b.example/ubuntu']),
  ).toBeUndefined();
});
