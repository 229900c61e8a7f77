import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTables, openSession, readQuarantine, writeOwnership } from '@strangler/ledger';
import { BUCKETS, type Direction, groupOf } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { type Mapping, type Row, resolveMapping } from '../mapping/mapping.ts';
import { printShown } from '../quarantine/print.ts';
import { retry } from '../quarantine/retry.ts';
import { show } from '../quarantine/view.ts';
import { makeWorld, stream, type World } from '../testing/world.ts';
import { Applier } from './applier.ts';

/** MySQL's max_allowed_packet while this runs. */
const PACKET = 8 * 1024 * 1024;
/** An image of this many characters fits, two of them do not. */
const HALF = 5_000_000;
const WHOLE = 9_000_000;
const LONG_USER = 'u'.repeat(250);

const LETTERS = ['user_id VARCHAR(250) COLLATE utf8mb4_0900_bin NOT NULL', 'user_id TEXT NOT NULL'].map(
  (user) => `CREATE TABLE letters (id BIGINT NOT NULL PRIMARY KEY, ${user}, words VARCHAR(20))`,
);

let world: World;
let mapping: Mapping;
let at = 0;
let packet: unknown;

beforeAll(async () => {
  world = await makeWorld(await servers(), {
    monolith: [LETTERS[0]!],
    service: [LETTERS[1]!],
    plan: { letters: { user: 'user_id' } },
    alone: 'text',
  });
  mapping = await resolveMapping('orders', world.plan.capabilities.orders!, world.monolith, world.service);
  const { rows } = await world.monolith.query<{ now: unknown }>('SELECT @@global.max_allowed_packet AS now');
  packet = rows[0]!.now;
  await world.monolith.query(`SET GLOBAL max_allowed_packet = ${PACKET}`); // for sessions opened from now on
});
afterAll(async () => {
  if (packet !== undefined) await world.monolith.query(`SET GLOBAL max_allowed_packet = ${packet}`);
  await world?.destroy();
});

const letter = (id: number, user: string, words: string): Row => ({ id: String(id), user_id: user, words });

/** Applies changes of letters as a stream does: what its target does not take must not keep it from going on. */
async function apply(direction: Direction, changes: readonly { before: Row | null; after: Row }[]): Promise<void> {
  const { monolith, capabilities } = world.plan;
  const url = (direction === 'reverse' ? monolith : capabilities.orders!.service).database!.applier;
  const applier = new Applier({
    ...{ capability: 'orders', direction, mapping, crossReferences: [], group: groupOf(world.plan, 'orders'), url },
  });
  try {
    await applier.start();
    const table = mapping.get('letters')!;
    const position = `log 1:${++at}`;
    const work = {
      ...({ kind: 'changes', position, transaction: `t${at}` } as const),
      changes: changes.map((change) => ({ table, ...change })),
    };
    const progress = { position, kafkaOffset: at, tick: at };
    expect(await applier.commit(await applier.prepare([{ work, progress }]), progress)).toBe(true);
  } finally {
    await applier.close();
  }
}

const keptOf = (direction: Direction, user: string) =>
  readQuarantine(direction === 'reverse' ? world.monolith : world.service, { stream: stream(direction), user });
const letterOf = async (on: 'monolith' | 'service', id: number) =>
  (await world[on].query('SELECT words FROM letters WHERE id = ?', [id])).rows[0];

describe('a row too large to be kept whole', () => {
  test('of nobody’s handoff (rogue) stops no stream: it is kept without its long values, others go on', async () => {
    await apply('reverse', [
      { before: null, after: letter(1, 'rogue', 'x'.repeat(WHOLE)) },
      { before: null, after: letter(2, 'other', 'fits') },
    ]);
    const [entry, ...none] = await keptOf('reverse', 'rogue');
    expect(none).toEqual([]);
    expect(entry).toMatchObject({ cause: 'rogue-write', status: 'open', key: '1' });
    expect(JSON.parse(entry!.after!)).toEqual({ id: '1', user_id: 'rogue', words: { cut: WHOLE } });
    expect(await letterOf('monolith', 2)).toEqual({ words: 'fits' });
    const [tried] = await retry(world.plan, { entries: [`orders:reverse:${entry!.id}`] }, 'ada', 'try');
    expect(tried).toMatchObject({ settled: false, says: expect.stringContaining('words of the image after') });
  });

  test('the owner’s, too large by itself or with the image before it: kept, shown with what was cut, not tried again', async () => {
    await writeOwnership(world.monolith, stream('reverse'), {
      ...{ epoch: 1, subject: { lo: 0, hi: BUCKETS }, owns: true, undecided: false, unproven: false },
    });
    await apply('reverse', [
      { before: null, after: letter(11, 'ann', "'".repeat(WHOLE / 2)) },
      { before: letter(12, 'ben', 'y'.repeat(HALF)), after: letter(12, 'ben', 'z'.repeat(HALF)) },
      { before: letter(12, 'ben', 'z'.repeat(HALF)), after: letter(12, 'ben', 'behind') },
      { before: null, after: letter(13, 'cyn', 'fits') },
    ]);
    expect(await letterOf('monolith', 13)).toEqual({ words: 'fits' });
    const [large] = await keptOf('reverse', 'ann');
    expect(large).toMatchObject({ cause: 'inapplicable', status: 'open', key: '11', position: `log 1:${at}` });
    const [both, behind] = await keptOf('reverse', 'ben');
    for (const image of [both!.before, both!.after]) expect(JSON.parse(image!).words).toEqual({ cut: HALF });
    expect(behind).toMatchObject({ cause: 'behind-inapplicable', status: 'open' });
    expect(JSON.parse(behind!.after!).words).toBe('behind');

    const name = `orders:reverse:${both!.id}`;
    const shown = printShown(await show(world.plan, name));
    expect(shown).toContain(`words of the image before (${HALF} characters), words of the image after`);
    expect(shown).toContain(`in the service's database, letters 12, as it is there now`);
    expect(shown).toContain(`in the service's log at log 1:${at}`);
    const [tried] = await retry(world.plan, { entries: [name] }, 'ada', 'try');
    expect(tried).toMatchObject({
      settled: false,
      says: expect.stringMatching(
        /cannot be applied from the quarantine: .*max_allowed_packet.*strangler quarantine resolve orders:reverse:\d+ --keep owner/,
      ),
    });
    expect(await keptOf('reverse', 'ben')).toEqual([both, behind]);
  });

  test.each(['forward', 'reverse'] as const)(
    'of a user of 250 characters, %s: kept whole, with its user',
    async (way) => {
      await apply(way, [
        { before: null, after: letter(21, LONG_USER, 'too long for this column') },
        { before: null, after: letter(22, `${LONG_USER.slice(1)}v`, 'fits') },
      ]);
      const [entry] = await keptOf(way, LONG_USER);
      expect(entry).toMatchObject({ cause: 'inapplicable', status: 'open', user: LONG_USER });
      expect(JSON.parse(entry!.after!).words).toBe('too long for this column');
      expect(await letterOf(way === 'forward' ? 'service' : 'monolith', 22)).toEqual({ words: 'fits' });
      expect(await keptOf(way, `${LONG_USER.slice(1)}v`)).toEqual([]);
    },
  );

  test.each(['monolith', 'service'] as const)('init widens the users of a quarantine made before, %s', async (on) => {
    const side = on === 'monolith' ? world.plan.monolith : world.plan.capabilities.orders!.service;
    const session = await openSession(side.database!.admin, 'reader');
    try {
      await session.query("UPDATE strangler_quarantine SET user_id = 'u'");
      const narrow = on === 'monolith' ? 'MODIFY user_id VARCHAR(190) NOT NULL' : 'ALTER user_id TYPE VARCHAR(190)';
      await session.query(`ALTER TABLE strangler_quarantine ${narrow}`);
      await createTables(session);
      const widened = await session.query("UPDATE strangler_quarantine SET user_id = REPEAT('w', 5000)");
      expect(widened.affected).toBeGreaterThan(0);
    } finally {
      await session.close();
    }
  });
});
