import { describe, expect, test } from '@jest/globals';
import { parsePlan } from './load.ts';
import { type SurveyFinding, undeclaredIn } from './survey.ts';

/** The tables of a Plan whose Articles say this beside their user. */
const tablesOf = (articles: object) =>
  parsePlan(
    JSON.stringify({
      ...{ version: 1, name: 'conduit', monolith: { database: 'mysql://a:b@h/d' } },
      kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
      control: { tokens: { admin: 'admin-token', proxy: 'proxy-token' } },
      capabilities: {
        articles: {
          service: { database: 'postgres://a:b@h/d' },
          tables: { Articles: { user: 'authorId', ...articles } },
        },
      },
    }),
    {},
  ).capabilities.articles!.tables;
const finding = (over: Partial<SurveyFinding>): SurveyFinding => ({
  ...{ table: 'Articles', op: 'update', columns: ['popularity', 'updatedAt'], cause: 'nobody', count: 3 },
  ...over,
});
const left = (articles: object, one: SurveyFinding) => undeclaredIn(tablesOf(articles), { findings: [one] });

describe('what a survey found and the Plan declares', () => {
  test('an update is declared when writers change all its columns, but for those that decide nothing', () => {
    expect(left({}, finding({}))).toHaveLength(1);
    const writers = [{ by: 'the popularity job', columns: ['popularity'] }];
    expect(left({ writers }, finding({}))).toHaveLength(1);
    expect(left({ writers, touched: ['updatedAt'] }, finding({}))).toEqual([]);
    expect(left({ writers, touched: ['updatedAt'] }, finding({ columns: ['popularity', 'hidden'] }))).toHaveLength(1);
  });

  test('an insert or a delete is declared by a writer who does that', () => {
    const deletes = finding({ op: 'delete', columns: [] });
    const inserts = finding({ op: 'insert', columns: [] });
    const writers = [{ by: 'staff', deletes: true }];
    expect([left({ writers }, deletes), left({ writers }, inserts)]).toEqual([[], [inserts]]);
  });

  test('a writer answers who else writes, not that a row is nobody’s or a request names nobody', () => {
    const writers = [{ by: 'the import', inserts: true, deletes: true, columns: ['popularity'] }];
    const kept = (cause: SurveyFinding['cause']) =>
      (['insert', 'update', 'delete'] as const).filter(
        (op) => left({ writers }, finding({ op, cause, columns: op === 'update' ? ['popularity'] : [] })).length,
      );
    for (const cause of ['user-changed', 'cascade', 'elsewhere', 'nobody'] as const) expect(kept(cause)).toEqual([]);
    for (const cause of [
      'no-user',
      'no-parent',
      'user-unreadable',
      'unrouted',
      'read-only',
      'without-user',
      'other-user',
    ] as const)
      expect(kept(cause)).toEqual(['insert', 'update', 'delete']);
  });

  test('a row without a user is declared where such rows are, for the rows that are reached through it too', () => {
    const born = finding({ op: 'insert', columns: [], cause: 'null-first' });
    expect([left({}, born), left({ unowned: 'monolith' }, born)]).toEqual([[born], []]);
    expect(left({ unowned: 'monolith' }, finding({ op: 'insert', columns: [] }))).toHaveLength(1);
    const tags = { ...tablesOf({ unowned: 'monolith' }) };
    tags.ArticleTags = { ...tags.Articles!, user: { through: 'articleId', of: 'Articles' } };
    delete tags.ArticleTags.unowned;
    const findings = [{ ...born, table: 'ArticleTags', cause: 'no-user' as const }];
    expect(undeclaredIn(tags, { findings })).toEqual([]);
  });

  test('what was found of a table that has left the Plan keeps nobody', () => {
    expect(left({}, finding({ table: 'Comments' }))).toEqual([]);
  });
});
