import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { HOME, ROOT } from './addresses.ts';
import type { ChaosReport } from './chaos/report.ts';
import type { Report } from './report.ts';

/** Starting, loading, replaying and counting; far more than a slow machine needs. */
const WITHIN = 1_200_000;

async function start<R>(name: string, ...args: string[]): Promise<{ code: number; output: string; report: R }> {
  const child = spawn(process.execPath, [join(ROOT, 'start.mjs'), '--quick', '--once', ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, output, report: JSON.parse(readFileSync(join(HOME, 'reports', `${name}.json`), 'utf8')) as R };
}

describe('npm start -- --quick', () => {
  test(
    'moves a tenth of the customers there and back under load, survives the death of a service, and balances to the cent',
    async () => {
      const begun = Date.now();
      const { code, output, report } = await start<Report>('rehearsal');
      if (code !== 0) console.error(output);
      expect(report.mistakes).toEqual([]);
      expect(code).toBe(0);
      expect(Date.parse(report.at)).toBeGreaterThan(begun);

      const { ledger } = report;
      expect(ledger.acknowledged).toBe(1_227);
      expect(ledger.mysql).toEqual({ orders: 6_787, cents: 24_026_714 });
      expect(ledger.postgres).toEqual(ledger.mysql);
      expect([ledger.lost, ledger.duplicated, ledger.differing, ledger.quarantine.open]).toEqual([0, 0, 0, 0]);
      for (const { expected, found } of [ledger.notifications, ledger.stock, ledger.payments])
        expect(found).toBe(expected);

      const steps = report.steps.filter(({ name }) => name !== 'a wrong build of the service');
      expect(steps.map(({ capability, boundary }) => `${capability} ${boundary}`)).toEqual([
        'notifications 1000',
        'notifications 2500',
        'notifications 5000',
        'notifications 10000',
        'orders 1000',
        'orders 2500',
        'orders 5000',
        'orders 0',
        'orders 5000',
        'orders 7500',
        'orders 10000',
        'orders 0',
        'orders 10000',
      ]);
      const { compared, wrongBuild } = report.comparing;
      for (const { differing, compared: pairs } of compared) expect([differing, pairs > 20]).toEqual([0, true]);
      expect(wrongBuild.boundary).toBe(1_000);
      expect(wrongBuild.found.paths).toEqual(
        expect.arrayContaining([
          'GET /api/orders $.orders (order)',
          'GET /api/orders/{id} $.items[*].unitPrice (value)',
        ]),
      );
      expect(report.traffic.errors).toEqual([]);
      expect(report.kill.failedRequests).toBeGreaterThan(0);
      expect(report.kill.webhook).toMatchObject({ capability: 'orders' });
      expect(report.regression.agreed).toBe(true);
    },
    WITHIN,
  );
});

describe('npm start -- --quick --chaos', () => {
  test(
    'kills at moments the seed decides, heals by itself, lists every kill, and balances to the cent',
    async () => {
      const begun = Date.now();
      const { code, output, report } = await start<ChaosReport>('chaos', '--chaos', '--seed', '1', '--kills', '4');
      if (code !== 0) console.error(output);
      expect(report.mistakes).toEqual([]);
      expect(code).toBe(0);
      expect(Date.parse(report.at)).toBeGreaterThan(begun);

      const { ledger } = report;
      expect(ledger.acknowledged).toBe(1_227);
      expect(ledger.mysql).toEqual({ orders: 6_787, cents: 24_026_714 });
      expect(ledger.postgres).toEqual(ledger.mysql);
      expect([ledger.lost, ledger.duplicated, ledger.differing, ledger.quarantine.open]).toEqual([0, 0, 0, 0]);

      expect(report.seed).toBe(1);
      const killed = report.kills.filter(({ byItself }) => !byItself);
      expect(new Set(killed.map(({ victim }) => victim)).size).toBe(4);
      for (const { victim, back, healed } of report.kills) {
        expect([victim, back]).toEqual([victim, expect.any(Number)]);
        expect(healed).toBeGreaterThanOrEqual(back!);
        expect(output).toContain(victim);
      }
    },
    WITHIN,
  );
});
