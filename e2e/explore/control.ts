import type { HandoffRow, Database as Lent, Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { mysqlStore } from '../../control/mysql-store.ts';
import { type SideDatabases, type Sides, sidesOf } from '../../control/sides.ts';
import { fromRow, initialState, toRow } from '../../control/state.ts';
import type { Store } from '../../control/store.ts';
import { Working } from './database.ts';
import { Interner } from './interner.ts';
import { type Reached, runProgram } from './program.ts';
import type { Proxies } from './proxies.ts';
import type { Rules } from './rules.ts';
import { bucket, CAPABILITY, TABLE_RULES } from './shop.ts';
import type { Answer, Ask, Control, Program, Scenario, Step, World } from './world.ts';

/** Buckets moved at once: as far as the operator wants. */
const SLICE = 10_000;
const RECOVER: Program = { move: null, journal: [] };

/** The process that decides who moves: dies anywhere, and goes on from what is stored. */
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
    const { control } = world;
    const steps = await Promise.all(world.floating.map((ask, at) => this.#arrives(world, ask, at)));
    if (!control) return [...steps, await this.#start(world)];
    if (control.program) steps.push(...(await this.#goOn(world, control, control.program)));
    else {
      const begun = await this.#begin(world, control);
      if (begun) steps.push(begun);
      const wish = this.#scenario.wants[world.heard];
      if (wish) steps.push(await this.#hear(world, control, wish));
    }
    if (world.left.crashes > 0) steps.push(crashed(world, 'control is killed', {}));
    return steps;
  }

  async #start(world: World): Promise<Step> {
    const { answer } = await this.perform(world, { is: 'read' });
    const row = ((answer as { value: unknown }).value as Parameters<typeof fromRow>[0][])[0];
    const state = row ? fromRow(row) : initialState(0);
    const { boundary, pins, moving } = state;
    const published = { boundary, pins, ...(moving && { moving }) };
    const control = {
      state,
      published,
      released: 0,
      young: state.version > 0,
      lost: false,
      program: null,
      waits: false,
    };
    return this.#runOn(world, control, RECOVER, 'control starts');
  }

  async #begin(world: World, control: Control): Promise<Step | undefined> {
    const move = this.#rules.nextMove(control.state, SLICE, bucket);
    if (!move || this.#blocked(world, control, move.urgent, move.to)) return undefined;
    const { lo, hi } = move.subject;
    const label = `control begins to move ${lo}–${hi} to the ${move.to}${move.urgent ? ' urgently' : ''}`;
    return this.#runOn(world, control, { move, journal: [] }, label);
  }

  /** What keeps a move from beginning, as control's own gates would. */
  #blocked(world: World, { young, waits }: Control, urgent: boolean, to: Side): boolean {
    if (urgent) return false;
    if (young || waits || this.#rules.unknownFor(this.#proxies.views(world), 1, 0) > 0) return true;
    const open = (side: Side) =>
      (world[side].tables.strangler_quarantine ?? []).some(({ status }) => status === 'open');
    return to === 'service' && (open('monolith') || open('service'));
  }

  async #hear(world: World, control: Control, { target, urgent = false }: Scenario['wants'][number]): Promise<Step> {
    const ramp = urgent ? ({ state: 'rolling-back', reason: 'asked', urgent } as const) : ({ state: 'idle' } as const);
    const state = { ...control.state, target, ramp, version: control.state.version + 1 };
    const { world: next } = await this.perform(world, { is: 'store', row: toRow(CAPABILITY, state), also: {} });
    const label = `the operator wants ${target / 100} %${urgent ? ' at once' : ''}`;
    return { label, next: { ...next, control: { ...control, state }, heard: world.heard + 1 } };
  }

  /** The next effect of a program, and all the ways it can go wrong. */
  async #goOn(world: World, control: Control, program: Program): Promise<Step[]> {
    const { left } = world;
    const reached = await this.#reach(control, program);
    if (reached.is !== 'asks') throw new Error('a program at rest asks for something');
    const { ask } = reached;
    const steps: Step[] = [];
    const go = (from: World, answer: Answer, label: string) =>
      this.#runOn(from, from.control!, { ...program, journal: [...program.journal, answer] }, label);
    const { world: done, answer } = await this.perform(world, ask);
    const arrival = callOf(ask) === 'arrived';
    const waits = ask.is === 'views' || arrival;
    if (ask.is === 'views') {
      const on = await this.#reach(control, { ...program, journal: [...program.journal, answer] });
      if (on.is !== 'waits') steps.push(await go(done, answer, 'control has heard from every proxy'));
    } else if (!arrival || (answer as { value: unknown }).value) steps.push(await go(done, answer, sayAsk(ask)));
    if (waits && left.cancels > 0) {
      const fewer = { ...world, left: { ...left, cancels: left.cancels - 1 } };
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
      steps.push(crashed(floating, `control is killed, “${sayAsk(ask)}” still on its way`, { crashes: 0 }));
    }
    return steps;
  }

  /** A statement of a control that has not waited for it. */
  async #arrives(world: World, ask: Ask, at: number): Promise<Step> {
    const { world: next } = await this.perform(world, ask);
    return { label: `arrives after all: ${sayAsk(ask)}`, next: { ...next, floating: world.floating.toSpliced(at, 1) } };
  }

  /** Runs on until the program asks for something that takes time. What it only says or looks at is done at once. */
  async #runOn(world: World, control: Control, program: Program, label: string): Promise<Step> {
    let at: World = { ...world, control: { ...control, program } };
    for (;;) {
      const running = at.control!.program!;
      const reached = await this.#reach(at.control!, running);
      if (reached.is === 'waits') throw new Error('control took an answer that nobody waits for');
      if (reached.is === 'ended') {
        const { how, state, released, retryIn = 0 } = reached;
        if (how === 'superseded') return crashed(at, `${label}; somebody else was faster, it stops`, { crashes: 0 });
        const ended = {
          ...at.control!,
          state,
          released,
          program: how === 'failed' ? RECOVER : null,
          waits: retryIn > 0,
        };
        at = { ...at, control: ended };
        if (how === 'done') return { label, next: at };
        continue;
      }
      const { ask } = reached;
      if (ask.is !== 'publish' && ask.is !== 'views') return { label, next: at };
      const { world: next, answer } = await this.perform(at, ask);
      const on = { ...running, journal: [...running.journal, answer] };
      if ((await this.#reach(at.control!, on)).is === 'waits') return { label, next: at };
      at = { ...next, control: { ...next.control!, program: on } };
    }
  }

  async #answer(ask: Ask, store: Store, sides: Sides): Promise<unknown> {
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
  async perform(world: World, ask: Ask): Promise<{ readonly world: World; readonly answer: Answer }> {
    if (ask.is === 'publish') {
      const proxies = world.proxies.map((one) => (one.linked ? { ...one, inbox: ask.picture, current: false } : one));
      const control = world.control && { ...world.control, published: ask.picture };
      return { world: { ...world, proxies, control }, answer: { value: 1 } };
    }
    if (ask.is === 'views') return { world, answer: { value: this.#proxies.views(world) } };
    const working = {
      monolith: new Working('mysql', TABLE_RULES, world.monolith),
      service: new Working('postgres', TABLE_RULES, world.service),
    };
    const lend = (side: Side) =>
      ({ use: (task: (session: Session) => unknown) => task(working[side].session()) }) as Lent;
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

/** The name of a question to the databases; undefined if it is none. */
const callOf = (ask: Ask): keyof Sides | undefined => (ask.is === 'sides' ? ask.call : undefined);

function crashed(world: World, label: string, free: { crashes?: 0 }): Step {
  const left = { ...world.left, crashes: world.left.crashes - (free.crashes ?? 1) };
  const proxies = world.proxies.map((proxy) => ({ ...proxy, linked: false, current: false, inbox: null }));
  return { label, next: { ...world, control: null, proxies, left } };
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
      if (call === 'arrived') return `control sees that barrier ${given[1]} has arrived on the ${given[0]}`;
      return `control asks: ${call} ${given.join(' ')}`;
    }
    default:
      return `control asks: ${ask.is}`;
  }
}
