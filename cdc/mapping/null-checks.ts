/** Tells of a column, by its database’s name, whether it is NULL. */
export type IsNull = (column: string) => boolean;

/** The condition of a CHECK constraint that asks of columns whether they are NULL, and of nothing else. */
export type NullCheck = { readonly columns: readonly string[]; readonly holds: (isNull: IsNull) => boolean };

type Part = (isNull: IsNull) => boolean;

const TOKEN = /\s*(`(?:[^`]|``)+`|"(?:[^"]|"")+"|\w+|<>|>=|[()=,>])/y;
const JOINS: Readonly<Record<string, (a: boolean, b: boolean) => boolean>> = {
  ...{ and: (a, b) => a && b, or: (a, b) => a || b },
  ...{ xor: (a, b) => a !== b, '<>': (a, b) => a !== b, '=': (a, b) => a === b },
};

/**
 * Reads a condition as MySQL and Postgres print it, with parentheses around everything that is joined. Undefined if it asks
 * of anything else.
 */
export function readNullCheck(condition: string): NullCheck | undefined {
  const tokens = tokensOf(condition);
  const reader = tokens && new Reader(tokens);
  const holds = reader?.whole();
  return holds && { columns: [...reader!.columns], holds };
}

function tokensOf(text: string): string[] | undefined {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.trimEnd().length) {
    const found = pattern.exec(text);
    if (!found) return undefined;
    tokens.push(found[1]!);
  }
  return tokens;
}

class Reader {
  readonly columns = new Set<string>();
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  whole(): Part | undefined {
    const part = this.#joined();
    return this.#at === this.#tokens.length ? part : undefined;
  }

  #takes(...words: readonly string[]): boolean {
    const isSo = words.every((word, at) => this.#tokens[this.#at + at]?.toLowerCase() === word);
    if (isSo) this.#at += words.length;
    return isSo;
  }

  /** Parts joined by one word: which of two binds more strongly need not be known. */
  #joined(): Part | undefined {
    let all = this.#part();
    const word = this.#tokens[this.#at]?.toLowerCase() ?? '';
    const join = Object.hasOwn(JOINS, word) ? JOINS[word] : undefined;
    while (join && all && this.#takes(word)) {
      const [left, right] = [all, this.#part()];
      all = right && ((isNull) => join(left(isNull), right(isNull)));
    }
    return all;
  }

  #part(): Part | undefined {
    if (this.#takes('num_nonnulls')) return this.#counted();
    const name = this.#column();
    if (name !== undefined) return this.#asked(name);
    if (!this.#takes('(')) return undefined;
    const inner = this.#joined();
    return inner && this.#takes(')') ? inner : undefined;
  }

  #asked(name: string): Part | undefined {
    if (this.#takes('is', 'null')) return (isNull) => isNull(name);
    return this.#takes('is', 'not', 'null') ? (isNull) => !isNull(name) : undefined;
  }

  #column(): string | undefined {
    const token = this.#tokens[this.#at] ?? '(';
    if (!/^[`"\w]/.test(token)) return undefined;
    this.#at += 1;
    const name = /^[`"]/.test(token) ? token.slice(1, -1).replaceAll('``', '`').replaceAll('""', '"') : token;
    this.columns.add(name);
    return name;
  }

  /** Postgres: how many of some columns are not NULL. */
  #counted(): Part | undefined {
    if (!this.#takes('(')) return undefined;
    const names: string[] = [];
    do {
      const name = this.#column();
      if (name === undefined) return undefined;
      names.push(name);
    } while (this.#takes(','));
    if (!this.#takes(')')) return undefined;
    const than = this.#tokens[this.#at++] ?? '';
    const wanted = Number(this.#tokens[this.#at++]);
    const set = (isNull: IsNull) => names.filter((name) => !isNull(name)).length;
    if (!Number.isInteger(wanted)) return undefined;
    if (than === '=') return (isNull) => set(isNull) === wanted;
    if (than === '>=') return (isNull) => set(isNull) >= wanted;
    return than === '>' ? (isNull) => set(isNull) > wanted : undefined;
  }
}

/** More columns than this are not gone through. */
const MOST_COLUMNS = 12;

/**
 * True if, whichever of these columns are NULL that may be, a row that passes these conditions is as `wanted`. A condition
 * that asks of others says nothing.
 */
export function isAssured(
  columns: readonly { readonly name: string; readonly nullable: boolean }[],
  conditions: readonly string[],
  wanted: (isNull: IsNull) => boolean,
): boolean {
  const open = columns.filter(({ nullable }) => nullable).map(({ name }) => name);
  if (open.length > MOST_COLUMNS) return false;
  const names = new Set(columns.map(({ name }) => name));
  const checks = conditions
    .map(readNullCheck)
    .filter((check) => check !== undefined)
    .filter((check) => check.columns.every((name) => names.has(name)));
  for (let which = 0; which < 2 ** open.length; which++) {
    const isNull: IsNull = (name) => (which & (1 << open.indexOf(name))) !== 0 && open.includes(name);
    if (checks.every(({ holds }) => holds(isNull)) && !wanted(isNull)) return false;
  }
  return true;
}
