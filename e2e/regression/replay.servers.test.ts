import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compareSuites } from '@strangler/compare';
import { HarFile, openRecording, replay, startRecorder } from '@strangler/compare/recording';
import { servers } from '@strangler/servers';
import express, { type Express } from 'express';
import { CASES, RULES } from './cases.ts';
import { startTwoShops, type TwoShops } from './two-shops.ts';

/** Only this number is declined: a mark in its place would be refused for another reason. */
const CARD = '4000 0000 0000 0002';

let folder: string;
let recorded: TwoShops;
let played: TwoShops;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
  [recorded, played] = await Promise.all([
    startTwoShops(await servers(), `replay_from_${process.pid}`),
    startTwoShops(await servers(), `replay_to_${process.pid}`),
  ]);
});

afterAll(async () => {
  for (const stop of stops) await stop();
  await Promise.all([recorded?.stop(), played?.stop()]);
  await rm(folder, { recursive: true });
});

async function serve(app: Express): Promise<string> {
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  stops.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('what was recorded in front of the monolith, without secrets, is played against a new monolith and services, and they agree', async () => {
  const file = join(folder, 'shop.har');
  const recorder = await startRecorder({
    target: new URL(await serve(recorded.legacy)),
    host: '127.0.0.1',
    port: 0,
    file: await HarFile.create(file, { until: '2999-01-01T00:00:00.000Z', redacted: [] }),
    redaction: { key: 'k', known: new Map([[CARD, 'declined-card']]) },
    cap: 1_000_000,
    most: { entries: 1_000, bytes: 100_000_000 },
  });
  await compareSuites(recorder.url, express(), CASES); // for the requests; nobody looks at the other side
  await recorder.stop();
  const text = await readFile(file, 'utf8');
  for (const secret of ['ada@example.test', 'correct horse', CARD, 'eyJ']) expect(text).not.toContain(secret);

  const recording = await openRecording(file, new Date());
  try {
    const sides = [{ url: await serve(played.legacy) }, { url: await serve(played.extracted) }] as const;
    const { report } = await replay(recording, ...sides, {
      speed: 'max',
      concurrency: 8,
      writes: true,
      rules: RULES,
      known: new Map([['declined-card', CARD]]),
    });
    expect(report.cases.filter(({ result }) => !result.kind.startsWith('equal'))).toEqual([]);
    expect(report.cases).toHaveLength(CASES.length);
    // Every request is answered now as it was then, the refused ones too.
    const was = recording.entries.map(
      async (one) => `entry ${one.position} ${(await recording.read(one)).response.status}`,
    );
    expect(report.cases.map(({ name, old }) => `${name} ${old}`).sort()).toEqual((await Promise.all(was)).sort());
  } finally {
    await recording.close();
  }
});
