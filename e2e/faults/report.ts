import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sayDuration } from '@strangler/plan';
import { table, thisMachine } from '../rehearsal/report.ts';
import type { Fault } from './fault.ts';
import type { Run } from './run.ts';

/** Writes every run to faults.json in this folder; gives the file. */
export function writeReport(folder: string, runs: readonly Run[]): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'faults.json');
  const failed = runs.filter(({ mistakes }) => mistakes.length).length;
  const report = { at: new Date().toISOString(), machine: thisMachine(), failed, runs };
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

/** One line per fault: seeds, result, and the worst of its times. */
export function describeRuns(faults: readonly Fault[], runs: readonly Run[]): string {
  const rows = faults.flatMap(({ name, chapter, lines }) => {
    const mine = runs.filter(({ fault }) => fault === name);
    if (!mine.length) return [];
    const failed = mine.filter(({ mistakes }) => mistakes.length);
    const sum = (of: (run: Run) => number) => mine.reduce((total, run) => total + of(run), 0);
    const most = (of: (run: Run) => number) => Math.max(...mine.map(of));
    return [
      [
        name,
        chapter,
        lines.join(', '),
        mine.length,
        failed.length ? `FAILED (seed ${failed.map(({ seed }) => seed).join(', ')})` : 'balanced',
        sayDuration(most(({ recovery }) => recovery)),
        sum(({ acknowledged }) => acknowledged),
        sum(({ retried }) => retried),
        sum(({ unanswered }) => unanswered),
        ['lost', 'duplicated', 'differing'].map((what) => sum((run) => run[what as 'lost'])).join(' / '),
        sum(({ quarantine }) => quarantine.open),
      ],
    ];
  });
  const head = [
    ...['fault', 'chapter', 'faults.md', 'seeds', 'result', 'worst recovery', 'acknowledged', 'retried', 'unanswered'],
    ...['lost / doubled / differ', 'open'],
  ];
  return table(head, rows);
}

/** One run, in a line. */
export function describeRun({ fault, seed, mistakes, recovery, retried, acknowledged, notes, took }: Run): string {
  const more = Object.entries(notes).map(
    ([what, found]) => `, ${what} ${typeof found === 'number' ? sayDuration(found) : found}`,
  );
  const books = `${acknowledged} acknowledged, ${retried} retried, recovered in ${sayDuration(recovery)}${more.join('')}`;
  const head = `${mistakes.length ? '✗' : '✓'} ${fault}, seed ${seed}: ${books} (${sayDuration(took)})`;
  return [head, ...mistakes.map((mistake) => `    ✗ ${mistake}`)].join('\n');
}
