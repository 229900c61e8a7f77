import { expect, test } from '@jest/globals';
import { askedOf, type SurveyFinding, type Table } from '@strangler/plan';
import type { SyncReport } from './gates.ts';
import { surveyGates } from './survey-gate.ts';

const table = (writers: Table['writers'] = []): Table => ({
  ...{ user: 'authorId', columns: {}, refers: {}, touched: [], writers, distinct: [] },
});
const PLAN = {
  tables: { Articles: table() },
  ...{ routes: ['ANY /articles/**'], readOnly: [], userType: 'integer' as const },
  user: [{ header: 'x-user' }],
};
const HOME = { boundary: 0, pins: {} };
const JOB: SurveyFinding = { table: 'Articles', op: 'update', columns: ['popularity'], cause: 'nobody', count: 12 };
const report = (surveyed?: SyncReport['surveyed']): SyncReport => ({
  ...{ streams: [], backfill: [], quarantine: { open: 0, settled: 0 }, corrections: [], unreadable: [] },
  ...(surveyed && { surveyed }),
});
const surveyed = (changes: number, findings: SurveyFinding[] = [], unknown = 0) =>
  report({
    ...{ at: '2026-03-01T12:00:00Z', changes },
    detail: { tables: { Articles: changes }, findings, unknown, asked: askedOf(PLAN) },
  });
const gates = (of: SyncReport, plan: Parameters<typeof surveyGates>[1] = PLAN, state = HOME) =>
  surveyGates('articles', plan, state, of).join();

test('nobody leaves the monolith before somebody has surveyed', () => {
  expect(gates(report())).toBe('nothing has been surveyed yet; run strangler survey articles while users are at work');
  expect(gates(surveyed(7))).toBe('');
});

test('nor while anything is unexplained that the Plan, as it is now, does not declare', () => {
  expect(gates(surveyed(40, [JOB]))).toMatch(
    /^the last survey found 12 of 40 changes .* declare: 12 × Articles, update of popularity; the report of strangler survey articles/,
  );
  const writers = [{ by: 'the job', columns: ['popularity'], inserts: false, deletes: false }];
  expect(gates(surveyed(40, [JOB]), { ...PLAN, tables: { Articles: table(writers) } })).toBe('');
});

test('nor with a table the survey did not know', () => {
  const tables = { ...PLAN.tables, Comments: table() };
  expect(gates(surveyed(40), { ...PLAN, tables })).toMatch(/^Comments came into the Plan after the last survey/);
});

test('nor once the Plan says otherwise what the survey has asked about', () => {
  const changed = (parts: string) =>
    `${parts} of articles in the Plan changed after the last survey; run strangler survey articles while users are at work`;
  expect(gates(surveyed(7), { ...PLAN, user: [{ header: 'x-email' }] })).toBe(changed('user'));
  expect(gates(surveyed(7), { ...PLAN, userType: 'text', routes: ['ANY /all/**'] })).toBe(changed('routes, userType'));
  const tables = { Articles: { ...table(), user: 'editorId' } };
  expect(gates(surveyed(7), { ...PLAN, tables })).toBe(changed('tables'));
  const unowned = { Articles: { ...table(), unowned: 'monolith' as const } }; // answers a survey
  expect(gates(surveyed(7), { ...PLAN, tables: unowned })).toBe('');
});

test('nor by a survey of which nobody knows what it has asked about', () => {
  const { asked: _, ...detail } = surveyed(7).surveyed!.detail;
  expect(gates(report({ at: '2026-03-01T12:00:00Z', changes: 7, detail }))).toContain('changed after the last survey');
});

test('nor if the survey could tell of hardly any change', () => {
  expect(gates(surveyed(7, [], 7))).toBe('');
  expect(gates(surveyed(7, [], 8))).toMatch(/^the last survey could not tell of 8 of 15 changes; run strangler/);
});

test('once somebody is on the service it is not asked any more; nor of a pure sync or a pure split', () => {
  expect(gates(report(), PLAN, { boundary: 100, pins: {} })).toBe('');
  expect(gates(report(), PLAN, { boundary: 0, pins: { ada: 'service' } } as never)).toBe('');
  expect(gates(report(), PLAN, { boundary: 0, pins: { ada: 'monolith' } } as never)).not.toBe('');
  expect(gates(report(), { ...PLAN, routes: [] })).toBe('');
  expect(gates(report(), { ...PLAN, tables: {} })).toBe('');
  const { user: _, ...tags } = table();
  expect(gates(report(), { ...PLAN, tables: { Tags: { ...tags, shared: 'insert-only' } } })).toBe('');
  expect(gates(surveyed(7), { ...PLAN, tables: { ...PLAN.tables, Tags: { ...tags, shared: 'insert-only' } } })).toBe(
    '',
  );
});
