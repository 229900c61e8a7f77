import type { Rule } from './rules.ts';
import type { ScopedTo } from './scope.ts';

/**
 * Where replies of a service on Postgres differ from those of a monolith on MySQL for no better reason than that. Every
 * list names exact paths: what is not named is compared as ever, so a preset cannot hide what nobody thought of.
 */
export interface MysqlToPostgres extends ScopedTo {
  /** BIGINT and DECIMAL: mysql2 gives numbers or texts by its options, pg gives int8 and numeric as texts. */
  readonly numbers?: readonly string[];
  /** TINYINT(1), given as 0 and 1, and boolean. */
  readonly booleans?: readonly string[];
  /** DATETIME, in `zone` and to the second unless it has a fraction, and timestamptz to the microsecond. */
  readonly timestamps?: readonly string[];
  /** The zone that DATETIMEs given without one are meant in: `+00:00`. */
  readonly zone?: string;
  /** Of timestamps (1000: DATETIME keeps seconds, and rounds to them). */
  readonly milliseconds?: number;
  /** Texts that were kept as '' and are NULL now, or the other way round. */
  readonly emptyTexts?: readonly string[];
  /** NULL columns that one side leaves out. */
  readonly nullable?: readonly string[];
  /** Lists sorted by a text: MySQL sorts blind to case and accents, Postgres by code point or by a language. */
  readonly sortedByText?: readonly { readonly path: string; readonly by: string }[];
  /** Lists without an ORDER BY: InnoDB gives them by primary key, Postgres as they lie. */
  readonly unsorted?: readonly string[];
  /** Members that Sequelize gave in camelCase (`$.orders[*].createdAt`), and the service in snake_case. */
  readonly camelCase?: readonly string[];
  /** Wording of errors of status 400 to 599 (`$.error.message`): Sequelize’s and pg’s texts; there must be one. */
  readonly errorTexts?: readonly string[];
}

/** The rules for these places; ids are made of the drift and the path. */
export function mysqlToPostgres(drift: MysqlToPostgres): Rule[] {
  const { zone, milliseconds = 1000 } = drift;
  const scope = { ...(drift.routes && { routes: drift.routes }), ...(drift.statuses && { statuses: drift.statuses }) };
  const each = (paths: readonly string[] | undefined, name: string, reason: string, kind: object): Rule[] =>
    (paths ?? []).map((path) => ({ id: `mysql-to-postgres ${name} ${path}`, reason, path, ...scope, ...kind }) as Rule);
  return [
    ...each(drift.numbers, 'number', 'pg gives int8 and numeric as texts, so that no digit is lost', {
      kind: 'numeric-string-is-number',
    }),
    ...each(drift.booleans, 'boolean', 'TINYINT(1) became boolean', { kind: 'number-is-boolean' }),
    ...each(drift.timestamps, 'timestamp', 'DATETIME became timestamptz, with a zone and microseconds', {
      kind: 'same-instant',
      milliseconds,
      ...(zone && { zone }),
    }),
    ...each(drift.emptyTexts, 'empty text', 'empty texts became NULL', { kind: 'empty-is-null' }),
    ...each(drift.nullable, 'nullable', 'NULL members are left out', { kind: 'null-is-absent' }),
    ...(drift.sortedByText ?? []).flatMap(({ path, by }) =>
      each([path], 'collation', 'texts are sorted by another collation', { kind: 'collation', by }),
    ),
    ...each(drift.unsorted, 'unsorted', 'the query has no ORDER BY', { kind: 'unordered' }),
    ...(drift.camelCase ?? []).flatMap((path) =>
      each([path], 'name', 'Sequelize names members in camelCase, the service in snake_case', {
        kind: 'rename',
        to: snakeCase(path),
      }),
    ),
    ...each(drift.errorTexts, 'error text', 'errors are worded by the library that finds them', {
      kind: 'shape-only',
      statuses: drift.statuses ?? ['4xx', '5xx'],
    }),
  ];
}

/** `created_at` of `$.orders[*].createdAt`. */
const snakeCase = (path: string) =>
  path.replace(/^.*[.\]]/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
