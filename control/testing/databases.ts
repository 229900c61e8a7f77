import {
  createOrigins,
  createTables,
  Database,
  databaseTime,
  dropOrigins,
  moveCheckpoint,
  readCheckpoint,
  readOwnership,
  reportApplier,
  type Session,
  tick,
  writeBackfill,
  writeOwnership,
  writersOf,
  writeSurvey,
  writeVerify,
} from '@strangler/ledger';
import { askedOf, directionInto, otherSide, type Side, streamName } from '@strangler/plan';
import { SHOP } from './bed.ts';

type Login = { readonly host: string; readonly port: number; readonly user: string; readonly password: string };

/** What a survey of the beds’ capability has asked about. */
const ASKED = askedOf({
  ...SHOP,
  ...{ readOnly: [], userType: 'text' },
  tables: { things: { user: 'user_id', refers: {}, columns: {}, touched: [], writers: [], distinct: [] } },
});

/** A MySQL and a Postgres database of a suite’s own, with our tables; and a stand-in for the two appliers. */
export class TestDatabases {
  readonly urls: Readonly<Record<Side, string>>;
  readonly #name: string;
  readonly #root: Readonly<Record<Side, Database>>;
  readonly of: Readonly<Record<Side, Database>>;
  #applying: Record<Side, boolean> = { monolith: false, service: false };
  #loops: Promise<void>[] = [];

  private constructor(logins: { mysql: Login; postgres: Login }, name: string) {
    const url = (system: 'mysql' | 'postgres', database: string) => {
      const { user, password, host, port } = logins[system];
      return `${system}://${user}:${password}@${host}:${port}/${database}`;
    };
    this.#name = name;
    this.urls = { monolith: url('mysql', name), service: url('postgres', name) };
    this.#root = {
      monolith: new Database(url('mysql', 'mysql'), 'reader'),
      service: new Database(url('postgres', 'postgres'), 'reader'),
    };
    this.of = {
      monolith: new Database(this.urls.monolith, 'reader'),
      service: new Database(this.urls.service, 'reader'),
    };
  }

  static async create(logins: { mysql: Login; postgres: Login }, name: string): Promise<TestDatabases> {
    const made = new TestDatabases(logins, name);
    for (const side of ['monolith', 'service'] as const) {
      await made.#root[side].use((session) => session.query(`CREATE DATABASE ${name}`));
      await made.of[side].use(createTables);
    }
    await made.of.service.use((session) => createOrigins(session, name, writersOf('shop')));
    await made.ready();
    return made;
  }

  /** What a control wants to see before anybody moves forward. */
  async ready(): Promise<void> {
    await this.of.monolith.use(async (session) => {
      await writeBackfill(session, 'shop', { table: 'things', done: 1, total: 1, finished: true });
      await writeVerify(session, {
        capability: 'shop',
        begun: await databaseTime(session),
        compared: 1,
        mismatches: 0,
        detail: '{}',
      });
      await writeSurvey(session, {
        capability: 'shop',
        begun: await databaseTime(session),
        ...{ changes: 1, unexplained: 0, detail: { tables: { things: 1 }, findings: [], unknown: 0, asked: ASKED } },
      });
    });
  }

  /** Forgets every handoff and state. */
  async clear(): Promise<void> {
    for (const side of ['monolith', 'service'] as const) {
      await this.of[side].use(async (session) => {
        for (const table of ['handoff', 'ownership', 'checkpoint'])
          await session.query(`DELETE FROM strangler_${table}`);
        if (side === 'monolith') {
          for (const table of ['state', 'record', 'lease', 'proxy'])
            await session.query(`DELETE FROM strangler_${table}`);
        }
      });
    }
  }

  /** Stands in for the applier that feeds a side, as far as handoffs see it: barriers, cancels and ticks of the source. */
  apply(into: Side, arriving = true): void {
    if (this.#applying[into]) return;
    this.#applying[into] = true;
    const stream = streamName('shop', directionInto(into));
    const loop = async () => {
      const [source, target] = [
        new Database(this.urls[otherSide(into)], 'reader'),
        new Database(this.urls[into], 'reader'),
      ];
      const proven = (await target.use((session) => readOwnership(session, stream))).filter((row) => !row.unproven);
      let known = proven.at(-1)?.epoch ?? 0;
      for (let round = 0; this.#applying[into]; round++) {
        if (round % 100 === 0) await target.use((session) => reportApplier(session, stream, RUNNING));
        if (arriving && round % 10 === 0) {
          const ticked = await source.use(tick);
          await target.use(async (session) => {
            const { position, kafkaOffset } = await readCheckpoint(session, stream);
            await moveCheckpoint(session, stream, { position, kafkaOffset, tick: ticked });
          });
        }
        const rows = arriving ? await source.use((session) => rowsAfter(session, known)) : [];
        for (const { epoch, kind, lo, hi, user } of rows) {
          const subject = user === null ? { lo, hi } : { lo, hi, user };
          const owns = kind !== 'barrier';
          await target.use((session) =>
            writeOwnership(session, stream, { epoch, subject, owns, undecided: !owns, unproven: false }),
          );
          known = epoch;
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await Promise.all([source.close(), target.close()]);
    };
    this.#loops.push(loop());
  }

  async stopApplying(): Promise<void> {
    this.#applying = { monolith: false, service: false };
    await Promise.all(this.#loops);
    this.#loops = [];
  }

  /** The handoff rows of a side’s log: `1 barrier 0-100`. */
  async log(side: Side): Promise<string[]> {
    const { rows } = await this.of[side].use((session) =>
      session.query('SELECT epoch, kind, lo, hi, user_id FROM strangler_handoff ORDER BY created_at, epoch'),
    );
    return rows.map((row) => `${row.epoch} ${row.kind} ${row.user_id ?? `${row.lo}-${row.hi}`}`);
  }

  async drop(): Promise<void> {
    await this.stopApplying();
    for (const side of ['monolith', 'service'] as const) {
      await this.of[side].close();
      await this.#root[side].use(async (session) => {
        if (side === 'service') await dropOrigins(session, this.#name, writersOf('shop'));
        await session.query(`DROP DATABASE ${this.#name}${side === 'service' ? ' WITH (FORCE)' : ''}`);
      });
      await this.#root[side].close();
    }
  }
}

const RUNNING = { sessionId: 1, state: 'running', reason: null, lag: 5 } as const;

type Row = { epoch: number; kind: string; lo: number; hi: number; user: string | null };

async function rowsAfter(session: Session, epoch: number): Promise<Row[]> {
  const { rows } = await session.query(
    `SELECT epoch, kind, lo, hi, user_id FROM strangler_handoff WHERE epoch > ? AND kind <> 'grant' ORDER BY epoch, kind`,
    [epoch],
  );
  return rows.map((row) => ({
    epoch: Number(row.epoch),
    kind: String(row.kind),
    lo: Number(row.lo),
    hi: Number(row.hi),
    user: row.user_id === null ? null : String(row.user_id),
  }));
}
