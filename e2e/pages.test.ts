import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { CATALOGUE } from './faults/catalogue/index.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const IGNORED = ['node_modules', '.git', '.strangler'];

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (IGNORED.includes(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesOf(path) : [path];
  });
const files = filesOf(ROOT);
const read = (file: string): string => readFileSync(file, 'utf8');
const called = (file: string): string => relative(ROOT, file);

describe('docs/faults.md', () => {
  const page = read(join(ROOT, 'docs/faults.md'));
  const rows = [...page.matchAll(/^\| (\d+)( ○)? +\|/gm)].map(([, number, open]) => ({
    number: Number(number),
    hasTest: !open,
  }));
  /** `faults 43, 44` and `faults 1–7`. */
  const named = new Set(
    files
      .filter((file) => file.endsWith('.test.ts'))
      .flatMap((file) => [...read(file).matchAll(/\bfaults? (\d+(?:(?:, | and |–)\d+)*)/g)])
      .flatMap(([, numbers]) => numbers!.split(/, | and /))
      .flatMap((part) => {
        const [from, to = from] = part.split('–').map(Number);
        return Array.from({ length: to! - from! + 1 }, (_, at) => from! + at);
      }),
  );
  for (const { lines } of CATALOGUE) for (const line of lines) named.add(line);

  test('numbers them without a gap', () => {
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, at) => at + 1));
  });

  test('has every number that a test names, and says of the others that they have no test', () => {
    const onPage = rows.filter(({ hasTest }) => hasTest).map(({ number }) => number);
    expect([...named].sort((a, b) => a - b)).toEqual(onPage);
  });
});

test('whatever a file of ours points to is in the repository', () => {
  const missing: string[] = [];
  for (const file of files) {
    if (/\.md$/.test(file)) {
      for (const [, target] of read(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^(https?|mailto):/.test(target!)) continue;
        if (!existsSync(join(dirname(file), target!))) missing.push(`${called(file)}: ${target}`);
      }
    } else if (/\.(ts|mjs|cjs|yaml|yml)$/.test(file) && !/\.test\.ts$|\/testing\//.test(file)) {
      for (const [, page] of read(file).matchAll(/\b((?:docs\/)?[\w-]+\.md)\b/g)) {
        const places = [page!, `docs/${page}`, join(called(dirname(file)), page!)];
        if (!places.some((place) => existsSync(join(ROOT, place)))) missing.push(`${called(file)}: ${page}`);
      }
    }
  }
  expect(missing).toEqual([]);
});

test('a README names files that are there', () => {
  const missing: string[] = [];
  for (const readme of files.filter((file) => file.endsWith('README.md'))) {
    const beside = files.filter((file) => file.startsWith(`${dirname(readme)}/`));
    for (const [, name] of read(readme).matchAll(/`([\w./-]+\.(?:ts|cjs|mjs))`/g)) {
      const isThere = [...beside, join(ROOT, name!)].some((file) => file.endsWith(`/${name}`) && existsSync(file));
      if (!isThere) missing.push(`${called(readme)}: ${name}`);
    }
  }
  expect(missing).toEqual([]);
});

test('every `npm run jest -- PATTERN` on a page finds a test', () => {
  const tests = files.filter((file) => file.endsWith('.test.ts')).map(called);
  const missing: string[] = [];
  for (const page of files.filter((file) => file.endsWith('.md'))) {
    for (const [, patterns] of read(page).matchAll(/npm run jest --((?: \w[\w./-]*)+)/g)) {
      for (const pattern of patterns!.trim().split(' ')) {
        const finds = new RegExp(pattern, 'i');
        if (!tests.some((file) => finds.test(file))) missing.push(`${called(page)}: ${pattern}`);
      }
    }
  }
  expect(missing).toEqual([]);
});

/** What GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');

test('whatever heading a file of ours points to is on that page', () => {
  const missing: string[] = [];
  const headings = new Map<string, Set<string>>();
  const headingsOf = (page: string) => {
    const known = headings.get(page);
    if (known) return known;
    const found = new Set([...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!)));
    headings.set(page, found);
    return found;
  };
  for (const file of files.filter((one) => /\.(md|ts|cjs|mjs)$/.test(one))) {
    for (const [, path, anchor] of read(file).matchAll(/([\w./-]*\.md)?#([a-z][a-z-]+)(?=[\s).,;:*]|$)/g)) {
      if (!path && !file.endsWith('.md')) continue;
      const page = path ? (file.endsWith('.md') ? join(dirname(file), path) : join(ROOT, path)) : file;
      if (existsSync(page) && !headingsOf(page).has(anchor!)) missing.push(`${called(file)}: ${path ?? ''}#${anchor}`);
    }
  }
  expect(missing).toEqual([]);
});
