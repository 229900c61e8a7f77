import type { Session, Value } from '@strangler/ledger';
import { sideOf } from '@strangler/plan';
import { OwnershipHistory } from '../../cdc/apply/ownership-history.ts';
import type { Prepared } from '../../cdc/apply/prepare.ts';
import { keyOf } from '../../cdc/mapping/mapping.ts';
import { NOBODY } from '../../cdc/mapping/user-column.ts';
import type { Correction } from '../../cdc/rows/change.ts';
import type { HandoffParts } from '../../control/handoff-parts.ts';
import { idle } from '../../control/handoff-state.ts';
import type { ProxyView } from '../../control/readiness.ts';
import type { HandoffSides } from '../../control/sides.ts';
import type { StoredState } from '../../control/stored-state.ts';
import { PRODUCTION, type Registry, type Rules } from './rules.ts';
import { CROSSED, FENCED, FORCED, GIVEN, LATE, NAMED, ORDERLY, PARTITIONED, TWO_CONTROLS, WIDE } from './scenarios.ts';
import { bucket } from './shop.ts';
import type { Scenario } from './world.ts';

/** One rule made wrong, and the scenario in which it must show. */
export type Mutation = { readonly name: string; readonly scenario: Scenario; readonly rules: Rules };

const scenario = (name: string): Scenario => {
  const found = [ORDERLY, LATE, GIVEN, CROSSED, FORCED, PARTITIONED, TWO_CONTROLS, FENCED, NAMED, WIDE]
    .flat()
    .find((one) => one.name === name);
  if (!found) throw new Error(`there is no scenario “${name}”`);
  return found;
};

const between = (over: Partial<Rules['between']>): Rules => ({
  ...PRODUCTION,
  between: { ...PRODUCTION.between, ...over },
});
const withViews = (forge: (view: ProxyView) => Partial<ProxyView>): Rules =>
  between({ views: (views) => views.map((view) => ({ ...view, ...forge(view) })) });
const withSides = (forge: (sides: HandoffSides) => Partial<HandoffSides>): Rules =>
  between({ sides: (sides) => ({ ...sides, ...forge(sides) }) });

/** Statements that begin with `sql` are forged; undefined leaves one as it is. */
const withStatements = (
  sql: string,
  forge: (session: Session, sql: string, values: readonly Value[]) => ReturnType<Session['query']> | undefined,
): Rules =>
  between({
    session: (session) => ({
      ...session,
      query: ((text: string, values: readonly Value[] = []) =>
        (text.startsWith(sql) ? forge(session, text, values) : undefined) ??
        session.query(text, values)) as Session['query'],
    }),
  });
const DONE = Promise.resolve({ rows: [], affected: 1 });

const withPrepared = (forge: (prepared: Prepared) => Prepared): Rules => ({
  ...PRODUCTION,
  prepareSteps: (...given) => PRODUCTION.prepareSteps(...given).map(forge),
});
const withOwnership = (forge: (row: ReturnType<Rules['ownershipAfter']>[number]) => object): Rules => ({
  ...PRODUCTION,
  ownershipAfter: (...given) => PRODUCTION.ownershipAfter(...given).map((row) => ({ ...row, ...forge(row) })),
});

const withRegistry = (over: Partial<Registry>): Rules => ({
  ...PRODUCTION,
  registry: { ...PRODUCTION.registry, ...over },
});
const linkedOf = (views: readonly ProxyView[]) => views.filter(({ lostAt }) => lostAt === undefined);

/** With a cell that stores nothing when it is to fence, unless a barrier goes with it. */
const unfenced = ({ cell, ...parts }: HandoffParts): HandoffParts => {
  const bound = { update: cell.update.bind(cell), settle: cell.settle.bind(cell) };
  const fence: StoredState['fence'] = (also) => (also ? cell.fence(also) : cell.settle());
  const current = { get: () => cell.current };
  const careless = Object.defineProperty({ capability: cell.capability, ...bound, fence }, 'current', current);
  return { ...parts, cell: careless as unknown as StoredState };
};

const correctionIn = (values: readonly Value[]): Correction => JSON.parse(String(values[2])) as Correction;

/** Tells of two handoffs the older one. */
class OldestFirst extends OwnershipHistory {
  readonly #reversed: OwnershipHistory;
  constructor(group: string, atFirst: boolean, rows: ConstructorParameters<typeof OwnershipHistory>[2]) {
    super(group, atFirst, rows);
    this.#reversed = new OwnershipHistory(
      group,
      atFirst,
      rows.map((row) => ({ ...row, epoch: -row.epoch })),
    );
  }
  override get ownsEverybody() {
    return this.#reversed.ownsEverybody;
  }
  override standing(user: string) {
    return this.#reversed.standing(user);
  }
}

const mutation = (name: string, shows: string, rules: Rules): Mutation => ({ name, scenario: scenario(shows), rules });

/** Each rule broken once. */
export const MUTATIONS: readonly Mutation[] = [
  mutation(
    'control flips before the barrier has arrived',
    'forward',
    withSides(() => ({ arrived: async () => true })),
  ),
  mutation(
    'control does not wait for writes in flight',
    'forward',
    withViews(({ flights }) => ({ flights: flights.map((flight) => ({ ...flight, inFlight: 0 })) })),
  ),
  mutation(
    'control does not wait until every proxy holds',
    'two proxies',
    withViews(() => ({ acked: 1 })),
  ),
  mutation(
    'the successor of a dead proxy answers for its writes',
    'a proxy dies',
    withViews(({ flights }) => ({ flights: flights.map((flight) => ({ ...flight, unknownFor: 0 })) })),
  ),
  mutation('the proxy does not hold', 'forward', {
    ...PRODUCTION,
    decide: (snapshot, capability, user, bucket) => PRODUCTION.decide(snapshot, capability, user, bucket, false),
  }),
  mutation('a crash is recovered by forgetting', 'control dies anywhere', {
    ...PRODUCTION,
    recover: async ({ cell, release }) => {
      const { moving } = cell.current;
      await cell.update((state) => (state.phase === 'idle' ? state : idle(state)));
      release(moving?.epoch ?? 0);
      return 'none';
    },
  }),
  mutation(
    'a cancel is written only behind a barrier that is seen',
    'a statement of control arrives late',
    withSides(({ write, has }) => ({
      write: async (...rows) => {
        const [{ kind, epoch }] = rows as [(typeof rows)[number]];
        if (kind !== 'cancel' || (await has('service', epoch, 'barrier'))) await write(...rows);
      },
    })),
  ),
  mutation(
    'control stores its state over another’s',
    'a statement of control arrives late',
    withStatements('UPDATE strangler_state', ({ query }, sql, values) =>
      query(sql.replace(' AND version = ?', ''), values.slice(0, -1)),
    ),
  ),
  mutation('rows go past a barrier whose outcome is open', 'an urgent rollback', {
    ...PRODUCTION,
    untilUndecided: (prepared) => ({ ready: prepared, barrier: undefined }),
  }),
  mutation('an older epoch overrules a newer one', 'there and back', { ...PRODUCTION, History: OldestFirst }),
  mutation(
    'a source keeps what its barrier gives away',
    'an urgent rollback',
    withOwnership(({ undecided, owns }) => (undecided || !owns ? { owns: true, undecided: false } : {})),
  ),
  mutation(
    'a grant gives nothing',
    'there and back',
    withOwnership(({ owns }) => (owns ? { owns: false } : {})),
  ),
  mutation(
    'late writes are taken for the owner’s',
    'an urgent rollback',
    withPrepared((one) => ({ ...one, changes: one.changes.map((change) => ({ ...change, owns: true })) })),
  ),
  mutation(
    'late writes are dropped',
    'a job writes past the proxy',
    withPrepared((one) => ({ ...one, changes: one.changes.filter(({ owns }) => owns) })),
  ),
  mutation('items are nobody’s', 'an urgent rollback, with items', {
    ...PRODUCTION,
    usersOf: async (changes, rows) => {
      const users = await PRODUCTION.usersOf(changes, rows);
      return users.map((user, at) => (changes[at]!.table.name === 'items' ? [] : user));
    },
  }),
  mutation('a row that goes to another user is only that one’s', 'given by a job past the proxy', {
    ...PRODUCTION,
    usersOf: async (changes, rows) => (await PRODUCTION.usersOf(changes, rows)).map((users) => users?.slice(-1)),
  }),
  mutation('what a side wrongly gave away is taken for its own afterwards', 'given by a job past the proxy', {
    ...PRODUCTION,
    applySteps: ({ blocked, ...target }, batch) =>
      PRODUCTION.applySteps({ ...target, blocked: { ...blocked, disputed: new Set() } }, batch),
  }),
  mutation('rows of nobody are whoever’s side wrote them', 'nobody’s at first, and claimed on both sides', {
    ...PRODUCTION,
    usersOf: async (changes, rows) =>
      (await PRODUCTION.usersOf(changes, rows)).map((users) => users?.filter((user) => user !== NOBODY)),
  }),
  mutation(
    'what refers to a row that goes stays',
    'a reply is changed while its order goes',
    between({
      rows: (rows) => ({
        ...rows,
        store: (table) => {
          const store = rows.store(table);
          const isBelow = (columns: readonly string[]) => table.name === 'replies' && columns.join() === 'order_id';
          return { ...store, read: async (columns, ...rest) => (isBelow(columns) ? [] : store.read(columns, ...rest)) };
        },
      }),
    }),
  ),
  mutation(
    'a row is let in whatever has become of what it refers to',
    'a reply is born, its order goes, and its author moves',
    between({ rows: (rows) => ({ ...rows, waiting: async (table, keys) => keys.map((key) => keyOf(table, key)) }) }),
  ),
  mutation(
    'nobody hears that a row went with what it refers to',
    'a reply is born while its order goes, and everybody moves back at once',
    withStatements('INSERT INTO strangler_correction', (_, __, values) =>
      correctionIn(values).roots.some(({ table, row, kept }) => table === 'replies' && !row && kept) ? DONE : undefined,
    ),
  ),
  mutation(
    'no correction is sent',
    'a job cancels past the proxy',
    withStatements('INSERT INTO strangler_correction', () => DONE),
  ),
  mutation(
    'a late write that is applied is not answered',
    'an urgent rollback',
    withStatements('INSERT INTO strangler_correction', (_, __, values) =>
      correctionIn(values).late.length ? DONE : undefined,
    ),
  ),
  mutation(
    'a late write applied behind a barrier is not decided again',
    'an urgent rollback, and forward again',
    withStatements('INSERT INTO strangler_correction', ({ query }, sql, values) => {
      const correction = correctionIn(values);
      if (!correction.late.length) return undefined;
      return query(sql, values.with(2, JSON.stringify({ ...correction, late: [] })));
    }),
  ),
  mutation(
    'corrections are applied whoever sends them',
    'an urgent rollback, and forward again',
    withPrepared((one) => ({ ...one, senderOwns: one.senderOwns === undefined ? undefined : true })),
  ),
  mutation('a correction of a side that gave the user away is not answered', 'an urgent rollback, and forward again', {
    ...PRODUCTION,
    applySteps: (target, batch) => {
      const prepared = batch.prepared.filter(({ senderOwns }) => senderOwns !== false);
      return PRODUCTION.applySteps(target, { ...batch, prepared });
    },
  }),
  mutation(
    'the checkpoint is not moved with the rows',
    'an applier dies anywhere',
    withStatements('UPDATE strangler_checkpoint SET position', () => DONE),
  ),
  mutation(
    'two appliers do not exclude each other',
    'two appliers at once',
    withStatements('UPDATE strangler_checkpoint SET version', ({ query }, sql, values) =>
      sql.includes('AND version = ?') ? query(sql.replace(' AND version = ?', ''), values.slice(0, 1)) : undefined,
    ),
  ),
  mutation('what we write ourselves is taken for an application’s', 'forward', {
    ...PRODUCTION,
    workOf: (reading, unit) =>
      unit.kind === 'transaction' && unit.rows.some(({ table }) => reading.mapping.has(table))
        ? PRODUCTION.workOf(reading, {
            ...unit,
            rows: unit.rows
              .filter(({ table }) => reading.mapping.has(table))
              .map((row) => ({ ...row, nativeSign: false })),
          })
        : PRODUCTION.workOf(reading, unit),
  }),
  mutation(
    'two rows for one purchase are not seen',
    'a job buys past the proxy',
    between({
      rows: (rows) => ({
        ...rows,
        store: (table) => {
          const store = rows.store(table);
          const bySameness = (columns: readonly string[]) => columns.join() === table.sameWhen.join();
          return {
            ...store,
            read: async (columns, ...rest) => (bySameness(columns) ? [] : store.read(columns, ...rest)),
          };
        },
      }),
    }),
  ),
  mutation(
    'force does not tell the stream',
    'forced, the applier behind',
    between({
      store: (store) => ({
        ...store,
        write: (row, also) => store.write(row, { ...(also?.handoff && { handoff: also.handoff }) }),
      }),
    }),
  ),
  mutation(
    'force does not fence the applier',
    'forced between look and commit',
    withStatements('UPDATE strangler_checkpoint SET version', (_, sql) => (sql.includes('AND') ? undefined : DONE)),
  ),
  mutation('a cancel goes to the service before the flip is fenced', 'a statement of control arrives late', {
    ...PRODUCTION,
    recover: (parts, reason) => PRODUCTION.recover(unfenced(parts), reason),
    handoff: (parts, ...rest) => PRODUCTION.handoff(unfenced(parts), ...rest),
  }),
  mutation('a lost proxy is ignored', 'cut off: forward', between({ views: linkedOf })),
  mutation('a lost proxy is forgotten after a time', 'cut off: forward', withRegistry({ forgets: true })),
  mutation('only the gate asks for lost proxies, the drain does not', 'cut off: forward', {
    ...PRODUCTION,
    handoff: ({ proxies, ...parts }, ...rest) => {
      const linked = Object.assign(Object.create(proxies) as typeof proxies, {
        views: () => linkedOf(proxies.views()),
      });
      return PRODUCTION.handoff({ ...parts, proxies: linked }, ...rest);
    },
  }),
  mutation('a proxy that is cut off gives its hold up', 'cut off: forward', withRegistry({ holdsOn: false })),
  mutation(
    'a proxy says goodbye with writes under way',
    'a successor stops in order',
    withRegistry({ saysGoodbye: () => true }),
  ),
  mutation(
    'a successor says goodbye while writes of the one before may arrive',
    'a successor stops in order',
    withRegistry({ inherits: () => false }),
  ),
  mutation('an urgent rollback waits for lost proxies', 'cut off: an urgent rollback', {
    ...PRODUCTION,
    nextMove: (state, ...rest) => {
      const move = PRODUCTION.nextMove(state, ...rest);
      return move && { ...move, urgent: false };
    },
  }),
  {
    name: 'a dismissal is taken for a goodbye: its late writes are not expected',
    scenario: { ...scenario('cut off: dismissed, and alive'), late: false },
    rules: PRODUCTION,
  },
  mutation(
    'a control that takes over knows only who links to it',
    'two controls: forward',
    withRegistry({ known: () => false }),
  ),
  mutation('a control that takes over only reads the state', 'two controls: forward', {
    ...PRODUCTION,
    takeOver: (cell) => cell.settle(),
  }),
  mutation('a proxy follows a former control', 'two controls: forward', { ...PRODUCTION, mayFollow: () => true }),
  mutation(
    'a control does not stop when its lease is over',
    'two controls: forward',
    withRegistry({ stopsInTime: false }),
  ),
  mutation(
    'a former control may register proxies',
    'two controls: a proxy is new',
    withRegistry({ mayStore: () => true }),
  ),
  mutation('who is left behind is not named in the logs', 'left behind: a write of unknown fate', {
    ...PRODUCTION,
    leftBehind: (state, users) => {
      const pins = users.map((user) => [user, sideOf(state, user, bucket(user))] as const);
      return { ...PRODUCTION.leftBehind(state, users), pins: { ...state.pins, ...Object.fromEntries(pins) } };
    },
  }),
  mutation(
    'an urgent rollback forgets whose naming waits for the service',
    'left behind, the service away, and an urgent rollback',
    {
      ...PRODUCTION,
      nextMove: (state, slice, at) => PRODUCTION.nextMove({ ...state, phase: 'idle' }, slice, at),
    },
  ),
  mutation('there is no fence, and a proxy is cut off', 'fence: an urgent rollback, a proxy cut off', {
    ...PRODUCTION,
    letsWrite: () => true,
  }),
];
