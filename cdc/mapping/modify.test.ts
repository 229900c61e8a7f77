import { expect, test } from '@jest/globals';
import type { Column } from './columns.ts';
import { modifyColumn } from './modify.ts';

const column = (declared: string, rest: string): Column => ({
  ...{ name: 'the `name`', type: declared, cast: '', digits: 0, nullable: true, charset: 'latin1', declared },
  definition: declared + rest,
});

test.each([
  ['int', " DEFAULT NULL COMMENT 'DEFAULT NULL'", { notNull: true }, "int NOT NULL COMMENT 'DEFAULT NULL'"],
  ['timestamp(3)', ' NULL DEFAULT NULL', { notNull: true }, 'timestamp(3) NOT NULL'],
  ['varchar(20)', ' COLLATE utf8mb4_bin DEFAULT NULL', { notNull: true }, 'varchar(20) COLLATE utf8mb4_bin NOT NULL'],
  [
    'varchar(20)',
    " CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'x'",
    { charset: 'utf8mb4', collation: 'utf8mb4_0900_bin' },
    "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin NOT NULL DEFAULT 'x'",
  ],
  ['text', '', { charset: 'utf8mb4' }, 'text CHARACTER SET utf8mb4'],
  [
    'bigint',
    " NOT NULL DEFAULT '0' COMMENT 'DEFAULT ''0'''",
    { filledBy: 'AUTO_INCREMENT' },
    "bigint NOT NULL AUTO_INCREMENT COMMENT 'DEFAULT ''0'''",
  ],
  [
    'char(36)',
    " CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'x'",
    { filledBy: 'DEFAULT (UUID())' },
    "char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (UUID()) COMMENT 'x'",
  ],
] as const)('MODIFY says again what it does not change: %s%s', (declared, rest, change, wanted) => {
  const statement = modifyColumn('Things', column(declared, rest), change);
  expect(statement).toBe(`ALTER TABLE \`Things\` MODIFY \`the \`\`name\`\`\` ${wanted};`);
});
