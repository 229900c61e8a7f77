import type { Value } from '@strangler/ledger';

/** One stored row of any table. */
export type Stored = Readonly<Record<string, Value>>;

/** What a statement does: the rows it gives, and the images of every row it changes. */
export type Effect = {
  readonly rows: readonly Stored[];
  readonly changes: readonly { readonly before: Stored | null; readonly after: Stored | null }[];
};

/** A statement on one table, ready to be run on its rows. */
export type Statement = { readonly table: string; run(rows: readonly Stored[], values: readonly Value[]): Effect };

type Expression = (row: Stored, values: readonly Value[]) => Value;

const cache = new Map<string, Statement>();

/** Reads one of the ledger's statements: the little SQL they are written in, and nothing else. Throws on anything else. */
export function readStatement(sql: string): Statement {
  const known = cache.get(sql);
  if (known) return known;
  const text = sql.replace(/\s+/g, ' ').trim();
  const read = [insert, update, remove, select].map((reader) => reader(text)).find((statement) => statement);
  if (!read) throw new Error(`the explorer does not understand this statement; teach it in statement.ts: ${text}`);
  cache.set(sql, read);
  return read;
}

/** Numbers the question marks in the order they stand in. */
class Marks {
  #next = 0;

  expression(text: string): Expression {
    const trimmed = text.trim().replace(/^\((.*)\)$/, '$1');
    if (trimmed === '?') {
      const at = this.#next++;
      return (_, values) => values[at] ?? null;
    }
    // Texts are compared by their bytes here, as these words ask a database to.
    const exact = /^CONVERT\((\w+) USING utf8mb4\) COLLATE \w+$|^(\w+) COLLATE "C"$/.exec(trimmed);
    if (exact) return this.expression(exact[1] ?? exact[2]!);
    const sum = /^(\w+) \+ (\d+)$/.exec(trimmed);
    if (sum) return (row) => Number(row[sum[1]!]) + Number(sum[2]);
    if (/^-?\d+$/.test(trimmed)) return () => Number(trimmed);
    if (/^'[^']*'$/.test(trimmed)) return () => trimmed.slice(1, -1);
    if (/^(TRUE|FALSE)$/i.test(trimmed)) return () => /TRUE/i.test(trimmed);
    if (/^NULL$/i.test(trimmed)) return () => null;
    if (/^CURRENT_TIMESTAMP\b/.test(trimmed)) return () => 'now'; // nothing that is explored depends on the clock
    const either = /^COALESCE\((\w+), (\w+)\)$/.exec(trimmed);
    if (either) return (row) => row[either[1]!] ?? row[either[2]!] ?? null;
    if (/^\w+$/.test(trimmed)) return (row) => row[trimmed] ?? null;
    throw new Error(`the explorer does not understand this expression; teach it in statement.ts: ${trimmed}`);
  }

  condition(text: string | undefined): (row: Stored, values: readonly Value[]) => boolean {
    if (text === undefined) return () => true;
    const tests = text.split(' AND ').map((part) => {
      const absent = /^(\w+) IS (NOT )?NULL$/.exec(part);
      if (absent) return (row: Stored) => ((row[absent[1]!] ?? null) === null) === !absent[2];
      const among = /^(\w+) IN \((.*)\)$/.exec(part);
      if (among) {
        const list = among[2]!.split(',').map((one) => this.expression(one));
        return (row: Stored, values: readonly Value[]) => list.some((one) => same(one(row, values), row[among[1]!]!));
      }
      const compared = /^(.+?) (=|<>|<|>|<=|>=) (.+)$/.exec(part);
      if (!compared) throw new Error(`the explorer does not understand this condition: ${part}`);
      const [left, right] = [this.expression(compared[1]!), this.expression(compared[3]!)];
      const holds = COMPARE[compared[2] as keyof typeof COMPARE];
      return (row: Stored, values: readonly Value[]) => holds(left(row, values), right(row, values));
    });
    return (row, values) => tests.every((holds) => holds(row, values));
  }
}

/** Databases give booleans as 0 and 1, or as themselves. */
const plain = (value: Value): Value => (typeof value === 'boolean' ? Number(value) : value);
const same = (a: Value, b: Value): boolean => a !== null && b !== null && String(plain(a)) === String(plain(b));
const COMPARE = {
  '=': same,
  '<>': (a: Value, b: Value) => a !== null && b !== null && !same(a, b),
  '<': (a: Value, b: Value) => Number(a) < Number(b),
  '>': (a: Value, b: Value) => Number(a) > Number(b),
  '<=': (a: Value, b: Value) => Number(a) <= Number(b),
  '>=': (a: Value, b: Value) => Number(a) >= Number(b),
};

/** Splits at commas outside of parentheses. */
function split(text: string): string[] {
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (const [at, character] of [...text].entries()) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character !== ',' || depth) continue;
    parts.push(text.slice(from, at).trim());
    from = at + 1;
  }
  return [...parts, text.slice(from).trim()];
}

function insert(text: string): Statement | undefined {
  const match = /^INSERT INTO (\w+) \(([^)]*)\) VALUES (\(.*\))$/.exec(text);
  if (!match) return undefined;
  const marks = new Marks();
  const columns = split(match[2]!);
  const rows = split(match[3]!).map((row) => split(row.slice(1, -1)).map((one) => marks.expression(one)));
  return {
    table: match[1]!,
    run(_, values) {
      const filled = (row: Expression[]) =>
        Object.fromEntries(columns.map((column, at) => [column, row[at]!({}, values)]));
      return { rows: [], changes: rows.map((row) => ({ before: null, after: filled(row) })) };
    },
  };
}

function update(text: string): Statement | undefined {
  const match = /^UPDATE (\w+) SET (.*?) WHERE (.*)$/.exec(text);
  if (!match) return undefined;
  const marks = new Marks();
  const sets = split(match[2]!).map((one) => {
    const [column, ...expression] = one.split(' = ');
    return { column: column!, value: marks.expression(expression.join(' = ')) };
  });
  const holds = marks.condition(match[3]);
  return {
    table: match[1]!,
    run(rows, values) {
      const found = rows.filter((row) => holds(row, values));
      const changed = (row: Stored) =>
        Object.fromEntries([
          ...Object.entries(row),
          ...sets.map(({ column, value }) => [column, value(row, values)] as const),
        ]);
      return { rows: [], changes: found.map((before) => ({ before, after: changed(before) })) };
    },
  };
}

function remove(text: string): Statement | undefined {
  const match = /^DELETE FROM (\w+)(?: WHERE (.*))?$/.exec(text);
  if (!match) return undefined;
  const holds = new Marks().condition(match[2]);
  return {
    table: match[1]!,
    run: (rows, values) => ({
      rows: [],
      changes: rows.filter((row) => holds(row, values)).map((before) => ({ before, after: null })),
    }),
  };
}

const SELECT =
  /^SELECT (?:DISTINCT )?(.*?) FROM (\w+)(?: WHERE (.*?))?(?: ORDER BY (\w+)( DESC)?)?(?: LIMIT (\d+))?(?: FOR UPDATE.*)?$/;

function select(text: string): Statement | undefined {
  const match = SELECT.exec(text);
  if (!match || / GROUP BY | JOIN /.test(text)) return undefined;
  const marks = new Marks();
  const outputs = split(match[1]!).map((one) => {
    const [expression, name] = one.split(' AS ');
    const greatest = /^MAX\((\w+)\)$/.exec(expression!);
    return {
      name: name ?? expression!,
      greatest: greatest?.[1],
      value: greatest ? () => null : marks.expression(expression!),
    };
  });
  const holds = marks.condition(match[3]);
  const [order, descending, limit] = [match[4], match[5] ? -1 : 1, Number(match[6] ?? Number.POSITIVE_INFINITY)];
  return {
    table: match[2]!,
    run(rows, values) {
      const found = rows.filter((row) => holds(row, values));
      if (order) found.sort((a, b) => (Number(a[order]) - Number(b[order])) * descending);
      if (outputs.some(({ greatest }) => greatest)) {
        const most = (column: string) => (found.length ? Math.max(...found.map((row) => Number(row[column]))) : null);
        return {
          rows: [Object.fromEntries(outputs.map(({ name, greatest }) => [name, most(greatest!)]))],
          changes: [],
        };
      }
      const given = found
        .slice(0, limit)
        .map((row) => Object.fromEntries(outputs.map(({ name, value }) => [name, value(row, values)])));
      return { rows: given, changes: [] };
    },
  };
}
