import { Database } from '@strangler/ledger';

/** How many purchases one look asks for. */
const AT_A_TIME = 500;

/** A purchase as both databases know it. */
export type Bought = { readonly userId: number; readonly key: string };

/** An acknowledged purchase that has not been seen in both databases yet. */
type Awaited = Bought & { readonly at: number };

/** Follows every acknowledged purchase into both databases: what the customers hold against what is there. */
export class Witness {
  /** Purchases the shop has said yes to. */
  acknowledged = 0;
  /** Of those, seen in both databases. */
  found = 0;
  /** Of those, in neither database when both were last asked. */
  lost = 0;
  /** When the newest purchase that is in both databases was acknowledged (Unix ms). */
  newestFound = 0;
  readonly #databases: readonly [Database, Database];
  readonly #awaited = new Map<string, Awaited>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  /** Looks into both databases every so many milliseconds. */
  constructor(mysql: string, postgres: string, lookEvery: number) {
    this.#databases = [new Database(mysql, 'reader'), new Database(postgres, 'reader')];
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look()
        .catch(() => {}) // a database is away: purchases wait, and that shows
        .finally(() => {
          this.#looking = undefined;
        });
    }, lookEvery);
  }

  /** Notes that a purchase has been acknowledged. */
  add({ userId, key }: Bought): void {
    this.acknowledged++;
    this.#awaited.set(`${userId}:${key}`, { userId, key, at: Date.now() });
  }

  /** How long the oldest purchase has waited that is not in both databases yet, in milliseconds; 0 if none does. */
  get lag(): number {
    const [oldest] = this.#awaited.values();
    return oldest ? Date.now() - oldest.at : 0;
  }

  /** Ends the following. Safe to call twice. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all(this.#databases.map((database) => database.close()));
  }

  async #look(): Promise<void> {
    const asked = [...this.#awaited.values()].slice(0, AT_A_TIME);
    if (!asked.length) return;
    const [mysql, postgres] = (await Promise.all(this.#databases.map((one) => present(one, asked)))) as [
      Set<string>,
      Set<string>,
    ];
    let lost = 0;
    for (const { userId, key, at } of asked) {
      const name = `${userId}:${key}`;
      if (mysql.has(name) && postgres.has(name)) {
        this.#awaited.delete(name);
        this.found++;
        this.newestFound = Math.max(this.newestFound, at);
      } else if (!mysql.has(name) && !postgres.has(name)) lost++;
    }
    this.lost = lost;
  }
}

/** Which of these purchases a database holds. */
async function present(database: Database, asked: readonly Awaited[]): Promise<Set<string>> {
  const sql = `SELECT user_id, idempotency_key FROM orders
    WHERE (user_id, idempotency_key) IN (${asked.map(() => '(?, ?)').join(', ')})`;
  const values = asked.flatMap(({ userId, key }) => [userId, key]);
  const { rows } = await database.use((session) =>
    session.query<{ user_id: number; idempotency_key: string }>(sql, values),
  );
  return new Set(rows.map((row) => `${row.user_id}:${row.idempotency_key}`));
}
