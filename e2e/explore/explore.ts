import { type Direction, streamName } from '@strangler/plan';
import { initialState, toRow } from '../../control/state.ts';
import { ControlProcess } from './control.ts';
import type { Database } from './database.ts';
import { disturbances } from './disturbances.ts';
import { Interner } from './interner.ts';
import { type Checks, checksOf } from './invariants.ts';
import { NEW_PROXY, Proxies } from './proxies.ts';
import { PRODUCTION, type Rules } from './rules.ts';
import { CAPABILITY, stocked } from './shop.ts';
import { Stream } from './stream.ts';
import {
  type Control,
  DIRECTIONS,
  endsOf,
  type ProxyProcess,
  type Scenario,
  type Step,
  type Troubles,
  type World,
} from './world.ts';

/** What was broken, and the shortest way there. */
export type Counterexample = { readonly broken: string; readonly steps: readonly string[] };

/** What an exploration came to. */
export type Explored = {
  readonly states: number;
  readonly transitions: number;
  /** The longest way from the beginning, in steps. */
  readonly depth: number;
  readonly seconds: number;
  /** States in which both logs had been read to their end. */
  readonly settled: number;
  readonly counterexample: Counterexample | undefined;
};

const NO_TROUBLE: Troubles = {
  ...{ cancels: 0, crashes: 0, floats: 0, errors: 0 },
  ...{ cuts: 0, heals: 0, goodbyes: 0, dismissals: 0, takeovers: 0, returns: 0 },
  ...{ kills: 0, restarts: 0, losses: 0, late: 0, outages: 0, disasters: 0 },
};

/** One scenario under one set of rules. */
export class Explorer {
  readonly #scenario: Scenario;
  readonly #streams: Readonly<Record<Direction, Stream>>;
  readonly #proxies: Proxies;
  readonly #control: ControlProcess;
  readonly #checks: Checks;
  readonly #interner = new Interner();

  constructor(scenario: Scenario, rules: Rules = PRODUCTION) {
    this.#scenario = scenario;
    this.#streams = {
      forward: new Stream('forward', rules, scenario),
      reverse: new Stream('reverse', rules, scenario),
    };
    this.#proxies = new Proxies(rules, scenario);
    this.#control = new ControlProcess(rules, scenario, this.#proxies);
    this.#checks = checksOf(scenario, this.#proxies);
  }

  /** Every process running, nothing under way. */
  async beginning(): Promise<World> {
    const { moved } = this.#scenario;
    const world = await this.#everybodyOnMonolith();
    if (!moved) return world;
    const { requests, left, heard } = world;
    const { proxies, later, appliers, batches } = this.#scenario;
    const world0 = { proxies, later, appliers, batches };
    const before = new Explorer({ name: 'before', requests: [], wants: [{ target: moved }], ...world0 } as Scenario);
    const reached = ({ control, proxies }: World) =>
      control?.state.boundary === moved &&
      !control.program &&
      proxies.every(({ current, snapshot }) => current || !snapshot);
    for await (const { next } of before.walkBreadthFirst()) {
      if (reached(next) && before.settled(next)) return { ...next, requests, left, heard };
    }
    throw new Error(`no way leads to ${moved}`);
  }

  /** Every step of the scenario once, the nearest first. */
  async *walkBreadthFirst(): AsyncGenerator<Step> {
    const seen = new Set<string>();
    let frontier = [await this.beginning()];
    while (frontier.length) {
      const next: World[] = [];
      for (const world of frontier) {
        for (const step of await this.steps(world)) {
          const key = this.key(step.next);
          if (seen.has(key)) continue;
          seen.add(key);
          yield step;
          next.push(step.next);
        }
      }
      frontier = next;
    }
  }

  async #everybodyOnMonolith(): Promise<World> {
    const { requests, proxies = 1, later = 0, appliers = 1, troubles } = this.#scenario;
    const checkpoint = (direction: Direction) => ({
      ...{ stream: streamName(CAPABILITY, direction), version: 0, position: null, kafka_offset: 0, tick: 0 },
      applied_at: 'now',
    });
    const database = (direction: Direction): Database => ({
      tables: {
        ...stocked(),
        strangler_checkpoint: [checkpoint(direction)],
        strangler_tick: [{ id: 1, n: 0, ticked_at: 'now' }],
      },
      first: 0,
      log: [],
    });
    const state = { ...initialState(0), version: 1 };
    const row = toRow(CAPABILITY, state);
    const monolith = database('reverse');
    const databases = {
      monolith: { ...monolith, tables: { ...monolith.tables, strangler_state: [row] } },
      service: database('forward'),
    };
    const started = async (direction: Direction) => {
      const one = await this.#streams[direction].start(databases[endsOf(direction).target]);
      return Array.from({ length: appliers }, () => one);
    };
    const published = { term: 1, boundary: 0, pins: {} };
    const running: ProxyProcess = { ...NEW_PROXY, snapshot: published, link: 'control', current: true, fresh: false };
    const registered = Array.from({ length: proxies + later }, (_, at) => at < proxies);
    const world: World = {
      ...databases,
      ...{ forward: await started('forward'), reverse: await started('reverse') },
      proxies: registered.map((runs) => (runs ? running : NEW_PROXY)),
      ...{ registered, term: 1, former: null },
      control: {
        ...{ state, published, term: 1, knows: registered, released: 0, young: false, program: null },
        ...{ waits: false, behind: false, parted: false },
      },
      ...{ serviceIs: 'up' as const, floating: [], requests: requests.map(() => ({ is: 'new' }) as const), heard: 0 },
      left: { ...NO_TROUBLE, ...troubles },
    };
    return this.#tidied(world);
  }

  /** Everything that may happen next. */
  async steps(world: World): Promise<Step[]> {
    const steps = [
      ...(await this.#proxies.steps(world)),
      ...(await this.#streams.forward.steps(world)),
      ...(await this.#streams.reverse.steps(world)),
      ...(await this.#control.steps(world)),
      ...(await disturbances(world)),
    ];
    return steps.map((step) => ({ ...step, next: this.#tidied(step.next) }));
  }

  /** What a step has broken; undefined if nothing. A world that is not `fresh` has been looked at before. */
  broken(before: World, step: Step, fresh = true): string | undefined {
    return step.stops ?? this.#checks.step(before, step) ?? (fresh ? this.#checks.world(step.next) : undefined);
  }

  /** True if both logs have been read to their end. */
  settled(world: World): boolean {
    return this.#checks.settled(world);
  }

  /** What is wrong with a world in which nothing can happen any more. */
  stuck(world: World): string | undefined {
    return this.#checks.end(world);
  }

  /** Equal worlds have equal keys. */
  key(world: World): string {
    const { monolith, service, forward, reverse, control, former, heard } = world;
    const parts: object[] = [forward, reverse, world.proxies, world.floating, world.requests, world.left];
    for (const { tables, log } of [monolith, service])
      parts.push(
        log,
        ...Object.keys(tables)
          .sort()
          .map((name) => tables[name]!),
      );
    const stored = `${world.term} ${world.registered.map(Number).join('')}`;
    const running = `${control ? this.#interner.id(control) : ''} ${former ? this.#interner.id(former) : ''}`;
    return `${this.#interner.ids(parts)} ${running} ${heard} ${world.serviceIs} ${stored}`;
  }

  /** Forgets what nobody can ask about any more, so that worlds that do not differ are equal. */
  #tidied(world: World): World {
    let tidy = withDenseTerms(world);
    for (const direction of DIRECTIONS) {
      const { source, target } = endsOf(direction);
      const stream = this.#streams[direction];
      const appliers = tidy[direction];
      const [checkpoint] = tidy[target].tables.strangler_checkpoint!;
      const { log, first } = tidy[source];
      const version = Number(checkpoint!.version);
      const read = Math.min(Number(checkpoint!.kafka_offset), ...appliers.map(({ next }) => next));
      const kept = log.slice(read - first).filter((entry) => stream.piecesOf(entry).length);
      if (!version && !read && kept.length === log.length) continue;
      const kafka_offset = Number(checkpoint!.kafka_offset) - read;
      const tables = { ...tidy[target].tables, strangler_checkpoint: [{ ...checkpoint!, version: 0, kafka_offset }] };
      const moved = appliers.map((one) => ({ ...one, version: one.version - version, next: one.next - read }));
      tidy = { ...tidy, [direction]: moved, [source]: { ...tidy[source], first: 0, log: kept } };
      tidy = { ...tidy, [target]: { ...tidy[target], tables } };
    }
    return tidy;
  }
}

/** Terms are only compared: numbered again from 1, so that worlds with the same order of terms are equal. */
function withDenseTerms(world: World): World {
  const { control, former, proxies, term } = world;
  const told = proxies.flatMap(({ snapshot, inbox }) => [snapshot, inbox]);
  const known = [...told, control, control?.published, former, former?.published].flatMap((one) => one?.term ?? []);
  const terms = [...new Set([...known, term])].sort((a, b) => a - b);
  if (terms.at(-1) === terms.length) return world;
  const dense = <T extends { readonly term: number } | null>(one: T): T =>
    one && { ...one, term: terms.indexOf(one.term) + 1 };
  const seat = (one: Control | null) => one && dense({ ...one, published: dense(one.published) });
  return {
    ...world,
    ...{ term: terms.length, control: seat(control), former: seat(former) },
    proxies: proxies.map((one) => ({ ...one, snapshot: dense(one.snapshot), inbox: dense(one.inbox) })),
  };
}

/** Explores a scenario breadth first, to its end or to the first thing that breaks. */
export async function explore(
  scenario: Scenario,
  rules: Rules = PRODUCTION,
  most = Number.POSITIVE_INFINITY,
): Promise<Explored> {
  const began = performance.now();
  const explorer = new Explorer(scenario, rules);
  const first = await explorer.beginning();
  const keys = new Map([[explorer.key(first), 0]]);
  const from: { readonly parent: number; readonly label: string }[] = [{ parent: -1, label: '' }];
  let frontier = [{ world: first, id: 0 }];
  let [transitions, depth, settled] = [0, 0, 0];
  const ended = (counterexample?: Counterexample): Explored => {
    const seconds = (performance.now() - began) / 1_000;
    return { states: keys.size, transitions, depth, seconds, settled, counterexample };
  };
  const wayTo = (id: number): string[] => {
    const labels: string[] = [];
    for (let at = id; at > 0; at = from[at]!.parent) labels.push(from[at]!.label);
    return labels.reverse();
  };
  while (frontier.length) {
    const next: typeof frontier = [];
    for (const { world, id } of frontier) {
      let moves = false;
      for (const step of await explorer.steps(world)) {
        transitions++;
        const key = explorer.key(step.next);
        const known = keys.get(key);
        moves ||= known !== id && !step.hope;
        const broken = explorer.broken(world, step, known === undefined);
        if (broken) return ended({ broken, steps: [...wayTo(id), step.label] });
        if (known !== undefined) continue;
        keys.set(key, from.length);
        next.push({ world: step.next, id: from.length });
        from.push({ parent: id, label: step.label });
        if (explorer.settled(step.next)) settled++;
      }
      if (!moves) {
        const broken = explorer.stuck(world);
        if (broken) return ended({ broken, steps: wayTo(id) });
      }
      if (keys.size > most) throw new Error(`${scenario.name} has more than ${most} states`);
    }
    if (next.length) depth++;
    frontier = next;
  }
  return ended();
}
