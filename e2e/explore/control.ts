import { type HandoffRow, type Database as Lent, type Session, type StateRow, tick } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { settled } from '../../control/handoff-state.ts';
import { mysqlStore } from '../../control/mysql-store.ts';
import { type HandoffSides, type SideDatabases, sidesOf } from '../../control/sides.ts';
import { type CapabilityState, type Desired, fromRow, toRow } from '../../control/state.ts';
import type { Store } from '../../control/store.ts';
import { Working } from './database.ts';
import { Interner } from './interner.ts';
import { type Reached, runProgram } from './program.ts';
import { type Proxies, UNLINKED, withoutFormer } from './proxies.ts';
import type { Rules } from './rules.ts';
import { bucket, CAPABILITY, TABLE_RULES } from './shop.ts';
import type { Answer, Ask, Control, Program, Scenario, Seat, Step, Want, World } from './world.ts';

/** Buckets moved at once: as far as the operator wants. */
const SLICE = 10_000;
const TAKE_OVER: Program = { does: 'take-over', move: null, journal: [] };
const RECOVER: Program = { does: 'recover', move: null, journal: [] };
const SETTLE: Program = { does: 'settle', move: null, journal: [] };

/** The processes that decide who moves: one dies anywhere, or is overtaken, and the next goes on from what is stored. */
export class ControlProcess {
  readonly #rules: Rules;
  readonly #scenario: Scenario;
  readonly #proxies: Proxies;
  readonly #interner = new Interner();
  readonly #reached = new Map<string, Promise<Reached>>();

  constructor(rules: Rules, scenario: Scenario, proxies: Proxies) {
    this.#rules = rules;
    this.#proxies = proxies;
    this.#scenario = scenario;
  }

  /** Everything control, its operator and its statements on the way may do next. */
  async steps(world: World): Promise<Step[]> {
    const { control, former } = world;
    const steps = await Promise.all(world.floating.map((ask, at) => this.#arrives(world, ask, at)));
    if (former) steps.push(...(await this.#ofFormer(world, former)));
    const want = this.#scenario.wants[world.heard];
    if (!control) {
      return [...steps, await this.#start(world)];
    }
    if (control.program) {
      steps.push(...(await this.#goOn(world, 'control', control.program)));
      if (want?.urgent && control.program.does !== 'settle')
        steps.push(...(await this.#overtake(world, control, want)));
    }
    if (!control.program || control.program.does === 'settle') {
      const due = control.behind ? [] : new this.#rules.Stragglers(0).due(control.state, 0);
      const begun = due.length ? await this.#follow(world, control, due) : await this.#begin(world, 'control');
      if (begun) steps.push(begun);
      else if (!control.program && control.state.unproven.length && world.serviceIs === 'up')
        steps.push(
          await this.#runOn(world, 'control', control, SETTLE, 'control begins to settle what force has done'),
        );
      if (want) steps.push(await this.#hear(world, control.state, want));
      if (world.serviceIs === 'gone' && control.state.unproven.length) steps.push(await this.#giveUp(world, control));
    }
    if (world.left.crashes > 0) steps.push(crashed(world, 'control', 'control is killed', {}));
    if (world.left.takeovers > 0 && !former) steps.push(overtaken(world, control));
    return steps;
  }

  /** One that was overtaken goes on as if it were not, until its lease has run out by its own clock. */
  async #ofFormer(world: World, { program }: Control): Promise<Step[]> {
    const steps: Step[] = [];
    if (program) steps.push(...(await this.#goOn(world, 'former', program)));
    const begun = program && program.does !== 'settle' ? undefined : await this.#begin(world, 'former');
    if (begun) steps.push(begun);
    const told = steps.map((step) => ({ ...step, label: step.label.replace('control', 'the former control') }));
    if (!this.#rules.registry.stopsInTime) return told;
    return [...told, { label: 'the former control’s lease has run out, it stops', next: withoutFormer(world) }];
  }

  async #stored(world: World): Promise<CapabilityState> {
    const { answer } = await this.perform(world, 'control', { is: 'read' });
    return fromRow((answer as { value: StateRow[] }).value[0]!);
  }

  async #start(world: World): Promise<Step> {
    const state = await this.#stored(world);
    const { boundary, pins, moving } = state;
    const term = world.term + 1;
    const control: Control = {
      state,
      term,
      knows: world.registered.map(this.#rules.registry.known),
      published: { term, boundary, pins, ...(moving && { moving }) },
      released: 0,
      young: state.version > 0,
      program: null,
      ...{ waits: false, behind: false, parted: false },
    };
    return this.#runOn({ ...world, term }, 'control', control, TAKE_OVER, 'control starts');
  }

  async #begin(world: World, seat: Seat): Promise<Step | undefined> {
    const control = world[seat]!;
    const move = this.#rules.nextMove(control.state, SLICE, bucket);
    if (!move || this.#blocked(world, seat, move.urgent, move.to)) return undefined;
    const { lo, hi, user } = move.subject;
    const label = `control begins to move ${user ?? `${lo}–${hi}`} to the ${move.to}${move.urgent ? ' urgently' : ''}`;
    return this.#runOn(world, seat, control, { does: 'move', move, journal: [] }, label);
  }

  #follow(world: World, control: Control, users: readonly string[]): Promise<Step> {
    const follow: Program = { does: 'follow', move: null, users, journal: [] };
    return this.#runOn(world, 'control', control, follow, `control lets ${users} follow`);
  }

  /** What keeps a move from beginning, as control's own gates would. */
  #blocked(world: World, seat: Seat, urgent: boolean, to: Side): boolean {
    if (urgent) return false;
    if (world.serviceIs !== 'up') return true; // its streams say nothing of their lag
    const { state, young, waits, parted } = world[seat]!;
    if (young || waits || parted || this.#proxies.lost(world, seat).length > 0) return true;
    const open = (side: Side) =>
      (world[side].tables.strangler_quarantine ?? []).some(({ status }) => status === 'open');
    return (
      to === 'service' && (state.unproven.length > 0 || state.lostAt !== null || open('monolith') || open('service'))
    );
  }

  async #hear(world: World, before: CapabilityState, want: Want): Promise<Step> {
    const step = await this.#stores(world, wanting(before, want), `the operator wants ${sayWant(want)}`);
    if (!step.next.control) return step;
    return { ...step, next: { ...step.next, heard: world.heard + 1 } };
  }

  /** An urgent rollback is wanted while a handoff is under way: that one is brought to rest first. */
  async #overtake(world: World, control: Control, want: Want): Promise<Step[]> {
    const reached = await this.#reach(control, control.program!);
    if (reached.is !== 'asks' || reached.ask.is === 'store') return []; // one state is stored after the other
    const heard = await this.#hear(world, await this.#stored(world), want);
    const { label, next } = heard;
    return [next.control ? await this.#runOn(next, 'control', next.control, RECOVER, label) : heard];
  }

  /** `strangler settle --lost`. */
  #giveUp(world: World, { state }: Control): Promise<Step> {
    const epochs = state.unproven.map(({ epoch }) => epoch);
    return this.#stores(
      world,
      { ...settled(state, epochs), lostAt: 'now' },
      'the operator gives the service’s database up',
    );
  }

  /** Something asked of control changes its state; a settlement under way starts over. */
  async #stores(world: World, changed: CapabilityState, label: string): Promise<Step> {
    const state = { ...changed, version: changed.version + 1 };
    const ask: Ask = { is: 'store', row: toRow(CAPABILITY, state), also: {} };
    const { world: next, answer } = await this.perform(world, 'control', ask);
    if (!(answer as { value: unknown }).value) {
      return crashed(world, 'control', `${label}, but somebody else was faster: control stops`, { crashes: 0 });
    }
    return { label, next: { ...next, control: world.control && { ...world.control, state, program: null } } };
  }

  /** The next effect of a program, and all the ways it can go wrong. */
  async #goOn(world: World, seat: Seat, program: Program): Promise<Step[]> {
    const { left } = world;
    const control = world[seat]!;
    const reached = await this.#reach(control, program);
    if (reached.is !== 'asks') throw new Error('a program at rest asks for something');
    const { ask } = reached;
    const steps: Step[] = [];
    const go = (from: World, answer: Answer, label: string) =>
      this.#runOn(from, seat, from[seat]!, { ...program, journal: [...program.journal, answer] }, label);
    if (world.serviceIs !== 'up' && asksService(ask)) {
      const on = await this.#reach(control, { ...program, journal: [...program.journal, { late: true }] });
      return on.is === 'waits' ? [] : [await go(world, { late: true }, `${sayAsk(ask)}: no answer`)];
    }
    const { world: done, answer } = await this.perform(world, seat, ask);
    const found = (answer as { value: unknown }).value;
    const call = callOf(ask);
    const waits = ask.is === 'views' || call === 'arrived' || call === 'passed';
    if (ask.is === 'views') {
      const on = await this.#reach(control, { ...program, journal: [...program.journal, answer] });
      if (on.is !== 'waits') steps.push(await go(done, answer, 'control has heard from every proxy'));
    } else if (!waits || found) steps.push(await go(done, answer, sayAsk(ask)));
    else if (call === 'passed' && !ticksAhead(world)) steps.push(await this.#tick(world));
    const inVain = call === 'arrived' && world.serviceIs === 'gone';
    const inTime = { ...program, journal: [...program.journal, { late: true } as const] };
    const ends = waits && program.does === 'move' && (await this.#reach(control, inTime)).is !== 'waits';
    if (ends && (left.cancels > 0 || inVain)) {
      const fewer = { ...world, left: { ...left, cancels: left.cancels - (inVain ? 0 : 1) } };
      steps.push(await go(fewer, { late: true }, `${sayAsk(ask)}: it has waited long enough`));
    }
    if (ask.is !== 'store' && callOf(ask) !== 'write') return steps;
    const error = { error: 'connection lost' };
    if (left.errors > 0) {
      const fewer = { ...left, errors: left.errors - 1 };
      steps.push(await go({ ...world, left: fewer }, error, `${sayAsk(ask)}: fails`));
      steps.push(await go({ ...done, left: fewer }, error, `${sayAsk(ask)}: done, but the answer is lost`));
    }
    if (left.floats > 0) {
      const floating = { ...world, floating: [...world.floating, ask], left: { ...left, floats: left.floats - 1 } };
      steps.push(await go(floating, error, `${sayAsk(ask)}: the connection is lost, the statement still on its way`));
      steps.push(crashed(floating, seat, `control is killed, “${sayAsk(ask)}” still on its way`, { crashes: 0 }));
    }
    return steps;
  }

  async #tick(world: World): Promise<Step> {
    const working = new Working('mysql', TABLE_RULES, world.monolith);
    await tick(working.session());
    return { label: 'the monolith ticks', next: { ...world, monolith: working.database } };
  }

  /** A statement of a control that has not waited for it. */
  async #arrives(world: World, ask: Ask, at: number): Promise<Step> {
    const { world: next } = await this.perform(world, 'control', ask);
    return { label: `arrives after all: ${sayAsk(ask)}`, next: { ...next, floating: world.floating.toSpliced(at, 1) } };
  }

  /** Runs on until the program asks for something that takes time. What it only says or looks at is done at once. */
  async #runOn(world: World, seat: Seat, control: Control, program: Program, label: string): Promise<Step> {
    let at: World = { ...world, [seat]: { ...control, program } };
    for (;;) {
      const running = at[seat]!.program!;
      const reached = await this.#reach(at[seat]!, running);
      if (reached.is === 'waits') throw new Error(`control waits for ever after: ${label}`);
      if (reached.is === 'ended') {
        const { how, state, released, retryIn = 0, users } = reached;
        if (how === 'superseded')
          return crashed(at, seat, `${label}; somebody else was faster, it stops`, { crashes: 0 });
        const { state: was, ...before } = at[seat]!;
        // What a walk does: users whose writes alone were in the way are left behind, unless that changes nothing.
        const leaves = running.does === 'leave' && how === 'done';
        const isLeft = leaves && state.version > was.version;
        const waits = leaves ? !isLeft : retryIn > 0 && !users.length;
        const next = how === 'failed' ? again(running) : goesOn(running, users);
        at = { ...at, [seat]: { ...before, state, released, program: next, waits, behind: before.behind || isLeft } };
        if (!next) return { label, next: at };
        continue;
      }
      const { ask } = reached;
      if (ask.is !== 'publish' && ask.is !== 'views') return { label, next: at };
      const { world: next, answer } = await this.perform(at, seat, ask);
      const on = { ...running, journal: [...running.journal, answer] };
      if ((await this.#reach(at[seat]!, on)).is === 'waits') return { label, next: at };
      at = { ...next, [seat]: { ...next[seat]!, program: on } };
    }
  }

  async #answer(ask: Ask, store: Store, sides: HandoffSides): Promise<unknown> {
    if (ask.is === 'read') return store.read();
    if (ask.is === 'store') return store.write(ask.row, ask.also);
    if (ask.is !== 'sides' || ask.call === 'free') return null; // transactions are one step: nobody keeps a lock
    return (sides[ask.call] as (...given: unknown[]) => unknown)(...ask.given);
  }

  #reach({ state, released }: Control, program: Program): Promise<Reached> {
    const key = `${this.#interner.id(state)} ${released} ${this.#interner.id(program)}`;
    const reached = this.#reached.get(key) ?? runProgram(this.#rules, state, released, program);
    this.#reached.set(key, reached);
    return reached;
  }

  /** Does in the world what control's code asks for. */
  async perform(world: World, seat: Seat, ask: Ask): Promise<{ readonly world: World; readonly answer: Answer }> {
    if (ask.is === 'publish') {
      const control = world[seat]!;
      const inbox = { ...ask.snapshot, term: control.term };
      const proxies = world.proxies.map((one) => (one.link === seat ? { ...one, inbox, current: false } : one));
      return { world: { ...world, proxies, [seat]: { ...control, published: inbox } }, answer: { value: 1 } };
    }
    if (ask.is === 'views') return { world, answer: { value: this.#proxies.views(world, seat) } };
    const working = {
      monolith: new Working('mysql', TABLE_RULES, world.monolith),
      service: new Working('postgres', TABLE_RULES, world.service),
    };
    const lend = (side: Side) =>
      ({
        use: (task: (session: Session) => unknown) =>
          task(this.#rules.between.session(working[side].session(), 'control')),
      }) as Lent;
    const databases: SideDatabases = {
      monolith: { write: lend('monolith'), watch: lend('monolith') },
      service: { write: lend('service'), watch: lend('service') },
    };
    const value = await this.#answer(
      ask,
      mysqlStore(lend('monolith'), lend('monolith')),
      sidesOf(CAPABILITY, databases),
    );
    const next = { ...world, monolith: working.monolith.database, service: working.service.database };
    return { world: next, answer: { value: value ?? null } };
  }
}

function wanting(state: CapabilityState, want: Want): CapabilityState {
  if ('pin' in want) return { ...state, desired: { ...state.desired, [want.pin]: want.to } };
  const { target, urgent } = want;
  if (!urgent) return { ...state, target, ramp: { state: 'idle' } };
  // A rollback takes along who was pinned, and who was left behind.
  const broughtBack = (want: Desired) => (want === 'service' ? 'monolith' : want === 'behind' ? 'bucket' : want);
  const back = Object.entries(state.desired).map(([user, want]) => [user, broughtBack(want)] as const);
  const ramp = { state: 'rolling-back', reason: 'asked', urgent } as const;
  return { ...state, target, desired: Object.fromEntries(back), ramp };
}

const sayWant = (want: Want): string =>
  'pin' in want ? `${want.pin} on the ${want.to}` : `${want.target / 100} %${want.urgent ? ' at once' : ''}`;

/** What follows when the store has failed; what was not stored is tried another time. */
const again = ({ does }: Program): Program => (does === 'take-over' ? TAKE_OVER : RECOVER);

/** What follows when a program has come to its end. */
function goesOn({ does }: Program, users: readonly string[]): Program | null {
  if (does === 'take-over') return RECOVER;
  return users.length ? { does: 'leave', move: null, users, journal: [] } : null;
}

const asksService = (ask: Ask): boolean =>
  ask.is === 'sides' && (ask.call === 'write' || ask.call === 'passed' || ask.given[0] === 'service');

/** True if a tick of the monolith is still on its way to the service. */
const ticksAhead = ({ monolith }: World): boolean =>
  monolith.log.some(({ rows }) => rows.some(({ table }) => table === 'strangler_tick'));

/** The name of a question to the databases; undefined if it is none. */
const callOf = (ask: Ask): keyof HandoffSides | undefined => (ask.is === 'sides' ? ask.call : undefined);

function crashed(world: World, seat: Seat, label: string, free: { crashes?: 0 }): Step {
  if (seat === 'former') return { label, next: withoutFormer(world) };
  const left = { ...world.left, crashes: world.left.crashes - (free.crashes ?? 1) };
  const proxies = world.proxies.map((one) => (one.link === 'control' ? { ...one, ...UNLINKED } : one));
  return { label, next: { ...world, control: null, proxies, left } };
}

/** The lease goes to another: the one that had it has not noticed, and keeps its proxies. */
function overtaken(world: World, control: Control): Step {
  const left = { ...world.left, takeovers: world.left.takeovers - 1 };
  const proxies = world.proxies.map((one) => (one.link ? { ...one, link: 'former' as const } : one));
  const label = 'control’s lease runs out, and it has not noticed';
  return { label, next: { ...world, former: control, control: null, proxies, left } };
}

function sayAsk(ask: Ask): string {
  switch (ask.is) {
    case 'store': {
      const { phase } = JSON.parse(ask.row.body) as { phase: string };
      const { handoff } = ask.also;
      const row = handoff ? ` with ${handoff.kind} ${handoff.epoch} on the monolith` : '';
      return `control stores “${phase}”${row}`;
    }
    case 'sides': {
      const { call, given } = ask;
      if (call === 'write') {
        const rows = (given as HandoffRow[]).map(({ kind, epoch }) => `${kind} ${epoch}`);
        return `control writes ${rows.join(' and ')} on the service`;
      }
      if (call === 'has') return `control looks for ${given[2]} ${given[1]} on the ${given[0]}`;
      if (call === 'passed') return 'control sees that the service has had what the monolith answered';
      if (call === 'arrived') return `control sees that barrier ${given[1]} has arrived on the ${given[0]}`;
      return `control asks: ${call} ${given.join(' ')}`;
    }
    default:
      return `control asks: ${ask.is}`;
  }
}
