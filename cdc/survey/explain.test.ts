import { describe, expect, test } from '@jest/globals';
import type { NamedUser, SurveyAnswer, SurveyedWrite } from '@strangler/plan';
import { explain, type SurveyedChange } from './explain.ts';
import { HeardWrites } from './heard-writes.ts';

const ANN: NamedUser = { user: '1' };
const BOB: NamedUser = { user: '2' };
const NOBODY: NamedUser = { lack: 'absent', why: 'it names no user' };
let ids = 0;

/** A write from 1000 to 1200 ms of a route of the capability. */
const write = (user: NamedUser, over: Partial<SurveyedWrite> = {}): SurveyedWrite => ({
  ...{ id: ids++, capability: 'articles', route: 'PUT /articles/{slug}', readOnly: false, users: { articles: user } },
  ...{ began: 1_000, ended: 1_200, status: 200 },
  ...over,
});
const answer = (writes: readonly SurveyedWrite[], over: Partial<SurveyAnswer> = {}): SurveyAnswer => ({
  ...{ stream: 's', now: 9_000, next: 1, missed: 0, proxies: [{ proxy: 'p1', tells: true }] },
  writes: writes.map((one) => ({ ...one, proxy: 'p1/a' })),
  ...over,
});
const heard = (...writes: SurveyedWrite[]) => {
  const all = new HeardWrites();
  all.take(answer(writes));
  return all;
};
const change = (over: Partial<SurveyedChange> = {}, at = 1_100): SurveyedChange => ({
  ...{ capability: 'articles', table: 'Articles', op: 'update', columns: ['title'], key: '7', transaction: 't' },
  ...{ before: { user: '1' }, after: { user: '1' }, cascade: false, at: { from: at, to: at } },
  ...over,
});
const EXPLAINED = { kind: 'explained', route: 'PUT /articles/{slug}' };

describe('a change of a row', () => {
  test('is explained by a write of its user that was under way, or had ended within a second', () => {
    expect(explain(change(), heard(write(ANN)))).toEqual({ ...EXPLAINED, late: 0 });
    expect(explain(change({}, 2_000), heard(write(ANN)))).toEqual({ ...EXPLAINED, late: 800 });
    expect(explain(change({}, 2_500), heard(write(ANN)))).toEqual({ kind: 'suspects', suspects: [] });
    expect(explain(change({}, 700), heard(write(ANN)))).toEqual({ kind: 'suspects', suspects: [] });
    expect(explain(change({}, 5_000), heard(write(ANN, { ended: null })))).toEqual({ ...EXPLAINED, late: 0 });
  });

  test('is explained by nothing that was refused', () => {
    for (const status of [401, 404, 429])
      expect(explain(change(), heard(write(ANN, { status }), write(BOB, { status })))).toEqual({
        ...{ kind: 'suspects', suspects: [] },
      });
    for (const status of [0, 302, 500])
      expect(explain(change(), heard(write(ANN, { status })))).toMatchObject(EXPLAINED);
  });

  test('is not explained by what others asked then, and says who they were', () => {
    const suspects = (one: SurveyedWrite) => {
      const why = explain(change(), heard(one));
      return why.kind === 'suspects' ? why.suspects.map(({ relation }) => relation) : why.kind;
    };
    expect(suspects(write(BOB))).toEqual(['other-user']);
    expect(suspects(write(NOBODY))).toEqual(['without-user']);
    expect(suspects(write(NOBODY, { capability: null, route: 'POST /webhooks/paid' }))).toEqual(['elsewhere']);
    expect(suspects(write(ANN, { capability: null, route: 'POST /import' }))).toEqual(['unrouted']);
    expect(suspects(write(ANN, { readOnly: true }))).toEqual(['read-only']);
    expect(suspects(write(ANN, { capability: 'orders' }))).toEqual(['other-capability']);
  });

  test('is not explained by a request that was answered while another one of its user, off the routes, is under way', () => {
    const route = 'POST /import';
    const both = heard(write(ANN), write(ANN, { capability: null, route, began: 1_210, ended: 1_700 }));
    for (const at of [1_220, 1_600]) {
      expect(explain(change({}, at), both)).toEqual({ kind: 'suspects', suspects: [{ relation: 'unrouted', route }] });
    }
  });

  test('another capability’s route may insert, and nothing else', () => {
    const order = heard(write(ANN, { capability: 'orders', route: 'POST /orders' }));
    const insert = change({ op: 'insert', before: undefined });
    expect(explain(insert, order)).toEqual({ kind: 'explained', route: 'POST /orders', late: 0 });
    expect(explain(change(), order).kind).toBe('suspects');
  });

  test.each([
    ['no-user', { before: 'null', after: 'null' }],
    ['no-user', { op: 'delete', before: 'null', after: undefined }],
    ['user-changed', { after: { user: '2' } }],
    ['user-changed', { after: 'null' }],
    ['user-unreadable', { after: 'unreadable' }],
    ['no-parent', { before: 'no-parent', after: undefined }],
  ] as const)('whose user is the matter is told as %s: %j', (cause, over) => {
    expect(explain(change(over), heard(write(ANN)))).toEqual({ kind: 'finding', cause });
  });

  test('that gives a row its first user is that user’s', () => {
    expect(explain(change({ before: 'null' }), heard(write(ANN)))).toEqual({ ...EXPLAINED, late: 0 });
  });

  test('a delete by cascade is told as one, unless a request of the row’s own user made it', () => {
    const gone = change({ op: 'delete', after: undefined, cascade: true });
    expect(explain(gone, heard(write(BOB)))).toEqual({ kind: 'finding', cause: 'cascade' });
    expect(explain(gone, heard(write(ANN)))).toEqual({ ...EXPLAINED, late: 0 });
  });

  test('of what is everybody’s is explained by any write of its capability’s routes, and by no other', () => {
    const EVERYBODY: NamedUser = { user: 'everybody' };
    const all = change({ before: 'everybody', after: 'everybody' });
    const suspects = (over: Partial<SurveyedWrite>, of = all) => {
      const why = explain(of, heard(write(EVERYBODY, over)));
      return why.kind === 'suspects' ? why.suspects.map(({ relation }) => relation) : why.kind;
    };
    expect(explain(all, heard(write(EVERYBODY)))).toEqual({ ...EXPLAINED, late: 0 });
    expect(suspects({ readOnly: true })).toEqual(['read-only']);
    expect(suspects({ capability: null, route: 'POST /login' })).toEqual(['elsewhere']);
    expect(suspects({ capability: 'orders' }, change({ op: 'insert', before: undefined, after: 'everybody' }))).toEqual(
      ['elsewhere'],
    );
    // What goes elsewhere is under way all the time: it is no likelier to have made it than what has just been answered.
    const both = heard(write(EVERYBODY), write(EVERYBODY, { capability: null, began: 900, ended: 9_000 }));
    expect(explain(change({ before: 'everybody', after: 'everybody' }, 1_300), both)).toMatchObject(EXPLAINED);
  });

  test('is not judged where writes may be missing: control was restarted, could not keep them, or a proxy was silent', () => {
    for (const gap of [{ stream: 't' }, { missed: 3 }, { proxies: [{ proxy: 'p1', tells: false }] }]) {
      const all = new HeardWrites();
      all.take(answer([], { now: 3_000 }));
      all.take(answer([], { now: 4_000, ...gap }));
      all.take(answer([], { now: 9_000, stream: 'stream' in gap ? gap.stream : 's' }));
      expect(explain(change({}, 3_500), all)).toEqual({ kind: 'unknown' });
      expect(explain(change({}, 8_000), all)).toEqual({ kind: 'suspects', suspects: [] });
    }
  });

  test('a write of a proxy that says nothing any more does not stay under way for ever', () => {
    const all = new HeardWrites();
    all.take(answer([write(ANN, { ended: null })], { now: 1_100 }));
    all.take(answer([], { now: 2_000, proxies: [{ proxy: 'p1', tells: false }] }));
    all.take(answer([], { now: 9_000 }));
    expect(explain(change({}, 8_000), all)).toEqual({ kind: 'suspects', suspects: [] });
  });
});
