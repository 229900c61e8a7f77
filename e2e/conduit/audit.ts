import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, type Session } from '@strangler/ledger';
import type { Servers } from '@strangler/servers';
import { differing, rowLines } from '../row-lines.ts';
import { conduitDatabases } from './addresses.ts';
import type { Ledger, Value } from './ledger.ts';
import { readSide, type SideRows } from './side-rows.ts';

/** Every mapped table, its columns and its key; a time is behind @, true or false behind ?. */
const TABLES: Readonly<Record<string, { readonly columns: readonly string[]; readonly key?: readonly string[] }>> = {
  Users: { columns: ['username', 'email', 'password', 'bio', 'image', 'role', '@createdAt', '@updatedAt'] },
  Follows: { columns: ['@createdAt', '@updatedAt'], key: ['followerId', 'followedId'] },
  Tags: { columns: ['name'] },
  Articles: {
    columns: [
      ...['slug', 'title', 'description', 'body', '?hidden', 'popularity', 'authorId'],
      ...['@sponsoredUntil', '@createdAt', '@updatedAt'],
    ],
  },
  Comments: { columns: ['body', 'authorId', 'articleId', '@createdAt', '@updatedAt'] },
  Favorites: { columns: ['@createdAt', '@updatedAt'], key: ['userId', 'articleId'] },
  ArticleTags: { columns: ['articleId', 'tagId'], key: ['articleId', 'tagId'] },
};

/** What both databases say against what was acknowledged. */
export type Audit = {
  /** Rows compared column by column, and those that are not the same on both sides. */
  readonly rows: number;
  readonly different: number;
  /** Acknowledged things, of them in neither or only one database, and things that are there more than once. */
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
  /** Things that say something else than was acknowledged last. */
  readonly stale: number;
  /** In sentences; empty if the books are perfect. */
  readonly mistakes: readonly string[];
};

/** Mistakes of one kind told in words; the rest is counted. */
const TOLD = 6;
const AGAIN_MS = 1_000;

/** Looks until the books are perfect, because the last rows are still under way; gives up after `within` ms. */
export async function audit(servers: Servers, ledger: Ledger, within: number): Promise<Audit> {
  for (const end = Date.now() + within; ; await sleep(AGAIN_MS)) {
    const seen = await lookOnce(servers, ledger);
    if (!seen.mistakes.length || Date.now() > end) return seen;
  }
}

async function lookOnce(servers: Servers, ledger: Ledger): Promise<Audit> {
  const { monolith, articles } = conduitDatabases(servers);
  const sessions = await Promise.all([monolith, articles].map(({ admin }) => openSession(admin, 'reader')));
  try {
    const [mysql, postgres] = sessions as readonly Session[] as [Session, Session];
    let rows = 0;
    const different: string[] = [];
    for (const [table, { columns, key }] of Object.entries(TABLES)) {
      const [a, b] = await Promise.all([rowLines(mysql, table, columns, key), rowLines(postgres, table, columns, key)]);
      rows += a.size;
      different.push(...differing(a, b).map((id) => `${table} ${id}: ${a.get(id)} in MySQL, ${b.get(id)} in Postgres`));
    }
    const books = new Books();
    books.hold(ledger, await readSide(mysql), 'MySQL');
    books.hold(ledger, await readSide(postgres), 'Postgres');
    const { acknowledged, lost, doubled, stale } = books;
    const told = [
      ...some('different', different),
      ...some('lost', lost),
      ...some('doubled', doubled),
      ...some('not as acknowledged', stale),
    ];
    const counts = { lost: lost.length, doubled: doubled.length, stale: stale.length };
    return { rows, different: different.length, acknowledged: acknowledged.size, ...counts, mistakes: told };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

const some = (what: string, all: readonly string[]): string[] => [
  ...all.slice(0, TOLD).map((one) => `${what}: ${one}`),
  ...(all.length > TOLD ? [`${what}: and ${all.length - TOLD} more`] : []),
];

/** Holds what people were told against what one database says. */
class Books {
  /** What was acknowledged, each once, whichever database it is looked for in. */
  readonly acknowledged = new Set<string>();
  readonly lost: string[] = [];
  readonly doubled: string[] = [];
  readonly stale: string[] = [];

  hold(ledger: Ledger, side: SideRows, where: string): void {
    for (const article of ledger.articles) {
      const rows = side.articles.get(article.mark) ?? [];
      this.#count(article.there, rows.length, `article ${article.mark}`, where);
      const [row] = rows;
      if (!row) continue;
      const says = (what: string, value: Value<string> | Value<boolean>, now: string | boolean) => {
        if (!(value as Value<unknown>).may(now))
          this.stale.push(`${what} of article ${article.mark} in ${where}: ${now}, and not ${value.last}`);
      };
      says('body', article.body, row.body);
      says('description', article.description, row.description);
      says('hidden', article.hidden, row.hidden);
      if (!article.there.sure) continue; // nobody knows how far it came
      if (row.author !== article.author) this.lost.push(`author of article ${article.mark} in ${where}: ${row.author}`);
      const tags = [...new Set(article.tags.map(folded))].sort().join();
      if (row.tags.map(folded).sort().join() !== tags)
        this.lost.push(
          `tags of article ${article.mark} in ${where}: ${row.tags.join()}, and not ${article.tags.join()}`,
        );
    }
    for (const { text, there } of ledger.comments)
      this.#count(there, side.comments.get(text) ?? 0, `comment ${text}`, where);
    for (const { by, article, there } of ledger.favorites.values()) {
      const [row] = side.articles.get(article.mark) ?? [];
      if (row)
        this.#count(there, side.favorites.has(`${by} ${row.id}`) ? 1 : 0, `favourite ${by} ${article.mark}`, where);
    }
    for (const [name, there] of ledger.people) this.#count(there, side.people.has(name) ? 1 : 0, `user ${name}`, where);
    for (const [pair, there] of ledger.follows)
      this.#count(there, side.follows.has(pair) ? 1 : 0, `follow ${pair}`, where);
    if (!side.events) return;
    for (const [id, there] of ledger.events) this.#count(there, side.events.get(id) ?? 0, `event ${id}`, where);
  }

  #count(there: Value<boolean>, found: number, what: string, where: string): void {
    if (there.last && there.sure) this.acknowledged.add(what);
    if (found > 1) this.doubled.push(`${what}: ${found} times in ${where}`);
    if (there.may(found > 0)) return;
    if (found) this.stale.push(`${what} is in ${where}, and was deleted`);
    else this.lost.push(`${what} is not in ${where}`);
  }
}

/** What the monolith’s collation takes for one word is one tag. */
const folded = (tag: string): string => tag.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
