import { describe, expect, test } from '@jest/globals';
import { excessOf, shortfallIn, silentChangeIn } from './capacity.ts';
import type { Column } from './columns.ts';
import { kindOf } from './kind-of.ts';

type Facts = Partial<Column>;

/** A column of both sides, as `readShape` describes it. */
const pair = (mysql: string, left: Facts, postgres: string, right: Facts) => {
  const column = (type: string, more: Facts): Column => ({
    ...{ name: 'made', type, cast: type, digits: 0, nullable: false, declared: type },
    ...more,
  });
  const [monolith, service] = [column(mysql, left), column(postgres, right)];
  return { name: 'made', kind: kindOf(monolith, service)!, monolith, service };
};

const refusalOf = (...of: Parameters<typeof shortfallIn>) => silentChangeIn(...of) ?? shortfallIn(...of);

/** Refused, and the type that the service's column should have instead. */
const REFUSED: [string, string, Facts, string, Facts, string][] = [
  ['C5: a DATETIME rounds', 'datetime', { digits: 0 }, 'timestamptz', { digits: 6 }, 'timestamptz(0)'],
  ['Postgres rounds', 'timestamp', { digits: 6 }, 'timestamp', { digits: 3 }, 'timestamp(6)'],
  ['C4: a numeric without scale', 'decimal', { precision: 10, scale: 0 }, 'numeric', {}, 'numeric(10,0)'],
  [
    ...(['C4: a numeric with more digits', 'decimal', { precision: 10, scale: 2 }] as const),
    ...(['numeric', { precision: 12, scale: 4 }, 'numeric(10,2)'] as const),
  ],
  [
    ...(['a numeric with fewer digits', 'decimal', { precision: 10, scale: 4 }] as const),
    ...(['numeric', { precision: 10, scale: 2 }, 'numeric(10,4)'] as const),
  ],
  [
    ...(['a numeric with less room', 'decimal', { precision: 12, scale: 2 }] as const),
    ...(['numeric', { precision: 10, scale: 2 }, 'numeric(12,2)'] as const),
  ],
  ['C12: INT UNSIGNED', 'int unsigned', {}, 'int4', {}, 'bigint'],
  ['BIGINT against integer', 'bigint', {}, 'int4', {}, 'bigint'],
  ['SMALLINT UNSIGNED', 'smallint unsigned', {}, 'int2', {}, 'integer'],
  ['a numeric of few digits', 'bigint unsigned', {}, 'numeric', { precision: 19, scale: 0 }, 'numeric(20)'],
  ['a numeric that rounds tens', 'int', {}, 'numeric', { precision: 20, scale: -1 }, 'integer'],
  ['a shorter varchar', 'varchar', { length: 255 }, 'varchar', { length: 100 }, 'varchar(255)'],
  ['TEXT against a varchar', 'text', { bytes: 65_535 }, 'varchar', { length: 255 }, 'text'],
  ['a shorter char', 'char', { length: 8 }, 'bpchar', { length: 6 }, 'char(8)'],
];

/** Mapped, and what the service takes beyond what the monolith has room for. */
const EXCESSIVE: [string, string, Facts, string, Facts, string][] = [
  ['a text without length', 'varchar', { length: 255 }, 'text', {}, 'TYPE varchar(255)'],
  ['a longer varchar', 'varchar', { length: 100 }, 'varchar', { length: 255 }, 'TYPE varchar(100)'],
  ['TEXT, which counts bytes', 'text', { bytes: 65_535 }, 'text', {}, 'ADD CHECK (octet_length("made") <= 65535)'],
  ['VARBINARY', 'varbinary', { bytes: 16 }, 'bytea', {}, 'ADD CHECK (octet_length("made") <= 16)'],
  ['BINARY fills up', 'binary', { bytes: 8, fixed: true }, 'bytea', { bytes: 8 }, 'CHECK (octet_length("made") = 8)'],
  ['CHAR drops spaces', 'char', { length: 2 }, 'varchar', { length: 2 }, 'TYPE char(2)'],
  ['a larger integer', 'int', {}, 'int8', {}, 'TYPE integer'],
  ['fractions', 'bigint', {}, 'numeric', {}, 'TYPE bigint'],
  [
    ...(['a numeric with more room', 'decimal', { precision: 10, scale: 2 }] as const),
    ...(['numeric', { precision: 12, scale: 2 }, 'TYPE numeric(10,2)'] as const),
  ],
];

const FITTING: [string, Facts, string, Facts][] = [
  ['datetime', { digits: 3 }, 'timestamptz', { digits: 3 }],
  ['decimal', { precision: 10, scale: 2 }, 'numeric', { precision: 10, scale: 2 }],
  ['bigint unsigned', {}, 'numeric', { precision: 20, scale: 0 }],
  ['int unsigned', {}, 'int8', {}],
  ['tinyint', {}, 'int2', {}],
  ['varchar', { length: 80 }, 'varchar', { length: 80 }],
  ['char', { length: 8 }, 'bpchar', { length: 8 }],
  ['text', { bytes: 65_535 }, 'text', { bytes: 65_535 }],
  ['mediumtext', { bytes: 16_777_215 }, 'text', { bytes: 65_535 }],
  ['longtext', { bytes: 4_294_967_295 }, 'text', {}],
  ['binary', { bytes: 8, fixed: true }, 'bytea', { bytes: 8, fixed: true }],
  ['enum', { length: 3 }, 'text', {}],
];

describe('what a column can hold (faults 88)', () => {
  test.each(REFUSED)('%s: refused, with the statement', (_, mysql, left, postgres, right, type) => {
    const one = pair(mysql, left, postgres, right);
    expect(refusalOf(one, 'Things')?.why).toMatch(/without a word|has no room/);
    expect(refusalOf(one, 'Things')?.fix).toBe(`ALTER TABLE "Things" ALTER COLUMN "made" TYPE ${type};`);
  });

  test.each(EXCESSIVE)('%s: mapped, and named', (_, mysql, left, postgres, right, clause) => {
    const one = pair(mysql, left, postgres, right);
    expect(refusalOf(one, 'Things')).toBeUndefined();
    expect(excessOf(one)?.clause).toContain(clause);
  });

  test.each(FITTING)('%s %j and %s %j hold the same', (mysql, left, postgres, right) => {
    const one = pair(mysql, left, postgres, right);
    expect([refusalOf(one, 'Things'), excessOf(one)]).toEqual([undefined, undefined]);
  });
});
