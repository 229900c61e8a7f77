import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ROOT } from '../rehearsal/addresses.ts';
import { usualHome } from './place.ts';
import type { Run } from './run.ts';

/** One of every kind that the rehearsal under fire does not show; the whole catalogue takes hours (`npm run nightly`). */
const FAULTS = [
  'Postgres and broker killed at once, idle, steady',
  'control killed flipped and nothing granted, ramping',
  'live proxy cut off for ever, dismissed, ramping',
  'applier killed before it notes a handoff, orders:reverse',
  'rogue writer contradicts the owner',
];

/** Starting servers of its own, and all of the faults; far more than a slow machine needs. */
const WITHIN = 2_400_000;

async function run(): Promise<{ code: number; output: string; runs: readonly Run[] }> {
  const only = FAULTS.flatMap((name) => ['--only', name]);
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=TimeoutNegativeWarning',
      join(ROOT, 'e2e/faults/main.ts'),
      ...only,
      ...['--seed', '1', '--keep-going'],
    ],
    { cwd: ROOT, env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  const file = join(usualHome(process.env), 'reports', 'faults.json');
  if (!existsSync(file)) throw new Error(`there is no report; it ended with ${code} and said:\n${output}`);
  const report = readFileSync(file, 'utf8');
  return { code, output, runs: (JSON.parse(report) as { runs: Run[] }).runs };
}

describe('npm run faults', () => {
  test(
    'one fault of every kind, and nothing acknowledged is lost, nothing is doubled, nothing differs (faults 54, 61, 62, 63, 69, 79)',
    async () => {
      const { code, output, runs } = await run();
      if (code !== 0) console.error(output);
      expect(runs.map(({ fault, mistakes }) => ({ fault, mistakes }))).toEqual(
        expect.arrayContaining(FAULTS.map((fault) => ({ fault, mistakes: [] }))),
      );
      expect(runs).toHaveLength(FAULTS.length);
      for (const { acknowledged, lost, duplicated, differing, verified } of runs) {
        expect(acknowledged).toBeGreaterThan(40);
        expect([lost, duplicated, differing, verified]).toEqual([0, 0, 0, 0]);
      }
      expect(code).toBe(0);
    },
    WITHIN,
  );
});
