import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { HarEntry } from './har.ts';
import { HarFile } from './har-file.ts';
import { playedOf, replyOf, withoutKeys } from './played.ts';
import { openRecording } from './recording.ts';
import { HarSplitter } from './split-har.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
  file = join(folder, 'shop.har');
});
afterEach(() => rm(folder, { recursive: true }));

const NOW = new Date('2026-06-01');
const entry = (path: string, startedDateTime = '2026-01-01T00:00:00Z') =>
  ({
    startedDateTime,
    time: 5,
    request: { method: 'get', url: `https://shop.test${path}`, headers: [] },
    response: { status: 200, headers: [], content: { size: 0, mimeType: '' } },
  }) as unknown as HarEntry;
const log = (entries: readonly unknown[], more = {}) => ({ log: { version: '1.2', ...more, entries } });

async function opened(content: string) {
  await writeFile(file, content);
  const recording = await openRecording(file, NOW);
  const read = await Promise.all(recording.entries.map((one) => recording.read(one)));
  await recording.close();
  return { ...recording, read };
}
const refusal = (content: string) => opened(content).catch(({ message }: Error) => message.replace(file, 'FILE'));

describe('openRecording', () => {
  test('reads what browsers and other tools write: other orders, other fields, spaces, a byte order mark, versions', async () => {
    const others = {
      pages: [{ id: 'entries', title: '[{"log"' }],
      browser: { name: 'x', entries: [1] },
      _own: { entries: [{}] },
    };
    const before = { log: { ...others, version: '1.1', entries: [entry('/b'), entry('/a')], creator: { name: 'y' } } };
    for (const text of [
      JSON.stringify(before),
      JSON.stringify(before, undefined, 4),
      `\ufeff${JSON.stringify(before)}\n`,
    ]) {
      const { read, cutOff, unusable } = await opened(text);
      expect(read.map(({ request }) => request.url)).toEqual(['https://shop.test/b', 'https://shop.test/a']);
      expect([cutOff, unusable.size]).toEqual([false, 0]);
    }
  });

  test.each([
    [
      'content: null',
      { response: { status: 200, headers: [], content: null } },
      'a response whose content is no JSON object',
    ],
    [
      'content.text: null',
      { response: { status: 200, headers: [], content: { size: 1, mimeType: 'a/b', text: null } } },
      'a response whose content holds no text',
    ],
    ['a status that is text', { response: { status: '200', headers: [] } }, 'a response without status and headers'],
    ['response: null', { response: null }, 'a response without status and headers'],
    ['a _candidate without a reply', { _candidate: {} }, 'a response without status and headers'],
    ['a _user that is a number', { _user: 17 }, 'a _user that is no text'],
    ...[
      [{ text: { a: 1 } }, 'a postData that holds no texts'],
      [{ text: '', mimeType: null }, 'a postData that holds no texts'],
      [{ params: { a: 1 } }, 'a postData whose params have no names and values'],
      [{ params: [{ name: 'a', value: 5 }] }, 'a postData whose params'],
      ['a=1', 'a postData that is no JSON object'],
    ].map(([postData, problem]) => [
      `postData ${JSON.stringify(postData)}`,
      { request: { method: 'POST', url: 'http://shop.test/', headers: [], postData } },
      problem,
    ]),
  ] as [string, object, string][])(
    'H1: an entry with %s is named, and the ten others are read',
    async (_, more, problem) => {
      const good = Array.from({ length: 10 }, (_, nth) => entry(`/${nth}`));
      const { entries, unusable } = await opened(
        JSON.stringify(log([...good.slice(0, 5), { ...entry('/bad'), ...more }, ...good.slice(5)])),
      );
      expect(entries).toHaveLength(10);
      expect([...unusable]).toEqual([[expect.stringContaining(problem), 1]]);
    },
  );

  test('whatever is in the place of one member of one entry, all the others are read', async () => {
    const whole = {
      ...entry('/x'),
      _user: 'ada',
      _candidate: { url: 'http://new.test', time: 1, response: { status: 200, headers: [], content: { size: 0 } } },
      request: {
        ...{ method: 'POST', url: 'http://shop.test/x?a=1', headers: [{ name: 'a', value: 'b' }], bodySize: 3 },
        ...{ cookies: [{ name: 'sid', value: '1' }], postData: { mimeType: 'text/plain', text: 'abc', params: [] } },
      },
      response: {
        status: 200,
        headers: [],
        content: { size: 3, mimeType: 'text/plain', text: 'YWJj', encoding: 'base64' },
      },
    };
    const places: string[][] = [];
    JSON.stringify(whole, function (this: object, name, value) {
      if (name) places.push([name]);
      return value;
    });
    const spoilt = fc.tuple(
      fc.constantFrom(...places),
      fc.oneof(fc.jsonValue(), fc.constantFrom(null, -1, 'base64', [null], { toString: {} })),
    );
    await fc.assert(
      fc.asyncProperty(spoilt, async ([[name], value]) => {
        const holes = JSON.stringify(whole, (key, was) => (key === name ? 'a hole' : was));
        const bad = JSON.parse(holes.replaceAll('"a hole"', () => JSON.stringify(value)));
        const { entries, read } = await opened(JSON.stringify(log([entry('/a'), bad, entry('/b')])));
        expect(entries.filter(({ path }) => path === '/a' || path === '/b')).toHaveLength(2);
        for (const one of read) {
          playedOf(one);
          replyOf(one.response, undefined);
          if (one.response) withoutKeys(one.response);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('puts entries into the order in which they were sent', async () => {
    const entries = [
      entry('/b', '2026-01-01T00:00:02Z'),
      entry('/a', '2026-01-01T00:00:01.5+00:00'),
      entry('/c', 'when?'),
    ];
    const { entries: sorted } = await opened(JSON.stringify(log(entries)));
    expect(sorted.map(({ path, position }) => [path, position])).toEqual([
      ['/a', 2],
      ['/c', 3], // which does not say, so it was sent when the one before it was
      ['/b', 1],
    ]);
  });

  test('reads everything that is whole from a file that was cut off, anywhere', async () => {
    const whole = Buffer.from(JSON.stringify(log([entry('/a'), entry('/ü"[{\\'), entry('/c')])));
    const counts = new Set<number>();
    for (let length = whole.length - 1; length > 30; length -= 7) {
      const result = await opened(whole.subarray(0, length).toString('latin1')).catch((error: Error) => error.message);
      if (typeof result === 'string') expect(result).toMatch(/is cut off|holds no requests; it is cut off/);
      else {
        expect(result.cutOff).toBe(true);
        counts.add(result.entries.length);
      }
    }
    expect([...counts]).toEqual([3, 2, 1]);
  });

  test('reads a recording of ours whatever became of its end', async () => {
    const har = await HarFile.create(file, { until: '2999-01-01T00:00:00.000Z', redacted: ['phone'] });
    for (const path of ['/a', '/b', '/c']) har.append(JSON.stringify(entry(path)));
    await har.close();
    const { size } = { size: (await readFile(file)).length };
    const whole = await openRecording(file, NOW);
    expect([whole.entries.length, whole.cutOff, whole.note]).toEqual([
      3,
      false,
      { until: '2999-01-01T00:00:00.000Z', redacted: ['phone'] },
    ]);
    await whole.close();
    await truncate(file, size - 20);
    const cut = await openRecording(file, NOW);
    expect([cut.entries.length, cut.cutOff]).toEqual([2, true]);
    await cut.close();
  });

  test('says what is wrong with a file, and what to do', async () => {
    const wrong: [string, string][] = [
      ['', 'FILE is not JSON: a recording is a HAR file'],
      ['GET /orders HTTP/1.1', 'FILE is not JSON'],
      ['{"log": nothing}', 'FILE is not JSON'],
      ['[]', 'FILE is no HAR: it has no "log"'],
      ['null', 'FILE is no HAR'],
      ['{"orders": []}', 'FILE is no HAR'],
      ['{"log":{"version":"1.2","entr', 'FILE is cut off before its first request: export or record it again'],
      [JSON.stringify(log([])), 'FILE holds no requests: record it again'],
      [JSON.stringify({ log: { version: '1.2' } }), 'FILE holds no requests'],
      [
        JSON.stringify(log([entry('/a')], { version: '2.0' })),
        'FILE is HAR 2.0, which is unknown here: HAR 1.1 to 1.3 can be replayed',
      ],
      [
        JSON.stringify(log([{ ...entry('/a'), request: undefined }, null])),
        'FILE holds no request that can be played; an entry has no request (1), is no JSON object (1)',
      ],
      [
        JSON.stringify(log([entry('/a')], { _strangler: { until: '2026-05-31T00:00:00.000Z', redacted: [] } })),
        'FILE was to be kept until 2026-05-31T00:00:00.000Z and may not be used any more: record it again',
      ],
    ];
    for (const [content, message] of wrong)
      expect([content, await refusal(content)]).toEqual([content, expect.stringContaining(message)]);
    const none = await openRecording(join(folder, 'none.har'), NOW).catch(({ message }: Error) => message);
    expect(none).toContain('cannot be read: ENOENT');
    const directory = await openRecording(folder, NOW).catch(({ message }: Error) => message);
    expect(directory).toContain('EISDIR');
  });

  test('passes over entries that cannot be used, and counts them by why', async () => {
    const odd = [
      { ...entry('/a'), request: { method: 'GET', url: '/relative', headers: [] } },
      { ...entry('/a'), request: { method: 'GET', url: 'http://x/', headers: 'none' } },
      { ...entry('/a'), request: { url: 'http://x/', headers: [] } },
      { ...entry('/a'), response: { status: '200' } },
      17,
      'text',
      [],
      {},
      entry('/good'),
    ];
    const { read, unusable } = await opened(JSON.stringify(log(odd)));
    expect(read.map(({ request }) => request.url)).toEqual(['https://shop.test/good']);
    expect(Object.fromEntries(unusable)).toEqual({
      'has a request without a whole URL': 1,
      'has a request without headers': 1,
      'has a request without a method': 1,
      'has a response without status and headers': 1,
      'is no JSON object': 3,
      'has no request': 1,
    });
  });

  test('keeps no replies, but reads each entry from where it is in the file', async () => {
    const body = 'x'.repeat(1024 * 1024);
    const large = JSON.stringify({
      ...entry('/large'),
      response: { status: 200, headers: [], content: { size: 1, text: body } },
    });
    await writeFile(file, '{"log":{"entries":[');
    for (let n = 0; n < 20; n++) await appendFile(file, `${n > 0 ? ',' : ''}${large}`);
    await appendFile(file, ']}}');
    const recording = await openRecording(file, NOW);
    expect(recording.entries).toHaveLength(20);
    expect(JSON.stringify(recording.entries).length).toBeLessThan(body.length);
    expect((await recording.read(recording.entries[19]!)).response.content.text).toBe(body);
    await recording.close();
  });
});

describe('HarSplitter', () => {
  test('finds the same entries however the file is cut into chunks', () => {
    const member = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        member,
        member,
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (entries, before, after, sizes) => {
          const { entries: _, ...log } = before;
          const { log: __, ...beside } = after;
          const text = Buffer.from(
            JSON.stringify({ ...beside, log: { ...log, entries, ...{ end: after } } }, undefined, entries.length % 3),
          );
          const splitter = new HarSplitter();
          const found: unknown[] = [];
          for (let at = 0; at < text.length; ) {
            const size = sizes.next().value;
            for (const piece of splitter.push(text.subarray(at, at + size))) {
              found.push(JSON.parse(piece.bytes!.toString()));
              expect(text.subarray(piece.at, piece.at + piece.length)).toEqual(piece.bytes);
            }
            at += size;
          }
          expect(found).toEqual(JSON.parse(JSON.stringify(entries)));
          const { around, whole } = splitter.end();
          expect(whole).toBe(true);
          expect(JSON.parse(around).log).toEqual(JSON.parse(JSON.stringify({ ...log, entries: [], end: after })));
        },
      ),
    );
  });

  test('passes over an entry that is too large without keeping it', () => {
    const splitter = new HarSplitter(100);
    const text = Buffer.from(JSON.stringify({ log: { entries: [{ a: 'x'.repeat(200) }, { b: 1 }] } }));
    const found = [...splitter.push(text.subarray(0, 150)), ...splitter.push(text.subarray(150))];
    expect(found.map(({ bytes }) => bytes?.toString())).toEqual([undefined, '{"b":1}']);
  });
});
