import type { Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';

/** A foreign key of one side's database, mapped or not, by that side's names. */
export type ForeignKey = {
  readonly side: Side;
  readonly name: string;
  readonly child: string;
  readonly parent: string;
  /** Column of the child, and the one of the parent it leads to. */
  readonly pairs: readonly (readonly [string, string])[];
  readonly onDelete: string;
  /** MySQL only. */
  readonly onUpdate?: string;
};

const MYSQL_FOREIGN_KEYS = `SELECT k.CONSTRAINT_NAME AS name, k.TABLE_NAME AS child, k.REFERENCED_TABLE_NAME AS parent,
    k.COLUMN_NAME AS \`from\`, k.REFERENCED_COLUMN_NAME AS \`to\`, r.DELETE_RULE AS \`onDelete\`, r.UPDATE_RULE AS \`onUpdate\`
  FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
  WHERE k.TABLE_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_SCHEMA = DATABASE()
  ORDER BY child, name, k.ORDINAL_POSITION`;
const POSTGRES_FOREIGN_KEYS = `SELECT f.conname AS name, c.relname AS child, p.relname AS parent, a.attname AS "from", b.attname AS "to",
    CASE f.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT'
      ELSE 'NO ACTION' END AS "onDelete"
  FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class p ON p.oid = f.confrelid
    CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS k(child, parent, at)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.child
    JOIN pg_attribute b ON b.attrelid = p.oid AND b.attnum = k.parent
  WHERE f.contype = 'f' AND f.conparentid = 0 AND c.relnamespace = 'public'::regnamespace
  ORDER BY child, name, k.at`;

type Row = Readonly<Record<'name' | 'child' | 'parent' | 'from' | 'to' | 'onDelete', string>> & {
  readonly onUpdate?: string;
};

/** All foreign keys of a database that its user may see. */
export async function readForeignKeys(session: Session, side: Side): Promise<ForeignKey[]> {
  const sql = session.dialect === 'mysql' ? MYSQL_FOREIGN_KEYS : POSTGRES_FOREIGN_KEYS;
  const { rows } = await session.query<Row>(sql);
  return [...Map.groupBy(rows, ({ child, name }) => JSON.stringify([child, name])).values()].map((all) => {
    const { name, child, parent, onDelete, onUpdate } = all[0]!;
    return {
      side,
      name,
      child,
      parent,
      onDelete,
      ...(onUpdate && { onUpdate }),
      pairs: all.map(({ from, to }) => [from, to] as const),
    };
  });
}
