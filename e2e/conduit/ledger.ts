/** What a client knows of a write: it was acknowledged, refused for good, or nobody said. */
export type Fate = 'acknowledged' | 'refused' | 'unknown';

/** Something that people change: what was last acknowledged, and what may have come since, because nobody said. */
export class Value<T> {
  #acknowledged: T;
  #maybe: T[] = [];

  constructor(first: T) {
    this.#acknowledged = first;
  }

  /** Takes in a write of this value. */
  write(value: T, fate: Fate): void {
    if (fate === 'unknown') this.#maybe.push(value);
    if (fate !== 'acknowledged') return;
    this.#acknowledged = value;
    this.#maybe = [];
  }

  get last(): T {
    return this.#acknowledged;
  }

  /** True if the databases may say this. */
  may(value: T): boolean {
    return value === this.#acknowledged || this.#maybe.includes(value);
  }

  /** True if one answer says it all. */
  get sure(): boolean {
    return this.#maybe.length === 0;
  }
}

/** An article of somebody of ours. Nobody writes the same text twice, so everything is known by what it says. */
export class Article {
  /** Its title begins with it. */
  readonly mark: string;
  readonly author: string;
  readonly tags: readonly string[];
  readonly body: Value<string>;
  readonly description = new Value('as it was');
  readonly hidden = new Value(false);
  /** Whether it is there; nobody knows of one whose only answer was lost. */
  readonly there = new Value(false);
  slug = '';
  /** Somebody is writing into it: others wait, so that it is known what came last. */
  busy = false;

  constructor(mark: string, author: string, body: string, tags: readonly string[]) {
    this.mark = mark;
    this.author = author;
    this.body = new Value(body);
    this.tags = tags;
  }

  /** Somebody may read it, and write into it. */
  get open(): boolean {
    return (
      !this.busy && this.slug !== '' && this.there.last && this.there.sure && !this.hidden.last && this.hidden.sure
    );
  }
}

/** A comment of somebody of ours. */
export class Comment {
  readonly text: string;
  readonly by: string;
  readonly article: Article;
  readonly there = new Value(false);
  /** 0 until an answer has said it. */
  id = 0;
  busy = false;

  constructor(text: string, by: string, article: Article) {
    this.text = text;
    this.by = by;
    this.article = article;
  }
}

/** An article that somebody likes, or does not like any more. */
export type Favorite = { readonly by: string; readonly article: Article; readonly there: Value<boolean> };

/** Everything that was asked of Conduit and what it said: what the databases are held against. */
export class Ledger {
  readonly articles: Article[] = [];
  readonly comments: Comment[] = [];
  readonly favorites = new Map<string, Favorite>();
  /** People who registered, and whom they follow: `follower follows`. */
  readonly people = new Map<string, Value<boolean>>();
  readonly follows = new Map<string, Value<boolean>>();
  /** The payment provider’s events. */
  readonly events = new Map<string, Value<boolean>>();
  /** Writes by what their client knows of them. */
  readonly writes: Record<Fate, number> = { acknowledged: 0, refused: 0, unknown: 0 };
  /** What somebody wrote and read at once, and how often it was not there at first. */
  readonly ownReads = { asked: 0, late: 0 };
  /** What must not happen. */
  readonly complaints: string[] = [];

  /** Counts a write; gives its fate again. */
  count(fate: Fate): Fate {
    this.writes[fate]++;
    return fate;
  }

  /** What somebody thinks of an article. */
  favorite(by: string, article: Article): Favorite {
    const name = `${by} ${article.mark}`;
    const known = this.favorites.get(name);
    if (known) return known;
    const fresh = { by, article, there: new Value(false) };
    this.favorites.set(name, fresh);
    return fresh;
  }
}
