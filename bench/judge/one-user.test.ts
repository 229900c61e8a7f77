import { describe, expect, test } from '@jest/globals';
import { EvidenceWindow } from '../../control/evidence.ts';
import { judge } from '../../control/judge.ts';
import { type Chance, chanceOf } from '../../e2e/chance.ts';
import { OutcomeTally } from '../../strangler-proxy/tally.ts';
import { THRESHOLDS } from './simulate.ts';
import { POLL_MS } from './traffic.ts';

type Reply = 200 | 404 | 500 | 'refused';
const OUTCOMES = new Map(
  ([200, 404, 500, 'refused'] as const).map((reply) => {
    const hard = reply === 'refused';
    return [reply, { status: hard ? 0 : reply, failed: hard, hard, latency: 1 }] as const;
  }),
);

/** What proxies tell and control makes of it, on a clock that is turned. */
class World {
  readonly chance: Chance;
  readonly #window = new EvidenceWindow(THRESHOLDS.errors);
  readonly #tally = new OutcomeTally(() => this.now);
  now = 0;
  /** Every bucket belongs to the service. */
  alone = false;

  constructor(seed: number) {
    this.chance = chanceOf(seed, 'one user');
  }

  /** So many requests a second, until the next look. */
  ask(speed: number, side: 'monolith' | 'service', user: () => string, reply: Reply): void {
    const mean = (speed * POLL_MS) / 1_000;
    let left = Math.floor(mean) + Number(this.chance.happens(mean % 1));
    for (; left > 0; left--)
      this.#tally.add('orders', side, OUTCOMES.get(reply)!, { user: user(), isWrite: false, splits: true });
  }

  /** Another step of the ramp begins. */
  step(): void {
    this.#window.restart();
  }

  look() {
    this.now += POLL_MS;
    for (const counts of this.#tally.take().counts) this.#window.add(counts, this.now);
    return judge(this.#window.read(this.now, this.alone), THRESHOLDS);
  }
}

const SEEDS = [1, 2, 3, 4, 5];
/** Good customers, a quarter of them on the service. */
function customers(world: World, speed: number, ofService: Reply = 200): void {
  world.ask(speed / 4, 'service', () => `s${world.chance.below(100)}`, ofService);
  world.ask((speed * 3) / 4, 'monolith', () => `m${world.chance.below(300)}`, 200);
}
/** Seconds until it is rolled back; undefined: not within so many. */
function rolledBack(seed: number, seconds: number, happens: (world: World) => void, world = new World(seed)) {
  const from = world.now;
  while (world.now < from + seconds * 1_000) {
    happens(world);
    if (world.look().verdict === 'fail') return (world.now - from) / 1_000;
  }
  return undefined;
}
const after = (seconds: number, happens: (world: World) => void) =>
  SEEDS.map((seed) => rolledBack(seed, seconds, happens));
const never = SEEDS.map(() => undefined);

describe('one user takes nobody back', () => {
  test.each([
    [20, 100],
    [20, 200],
    [10, 20],
    [50, 200],
  ])('not when a step begins either: %d good requests a second, %d of one user fail', (speed, of) => {
    const rolled = SEEDS.map((seed) => {
      const world = new World(seed);
      const happens = () => {
        customers(world, speed);
        world.ask(of, 'service', () => 'broken', 'refused');
      };
      const before = rolledBack(seed, 60, happens, world);
      world.step();
      return before ?? rolledBack(seed, 60, happens, world);
    });
    expect(rolled).toEqual(never);
  });

  test('nor two, however long', () => {
    const rolled = after(1_300, (world) => {
      customers(world, 20);
      world.ask(20, 'service', () => `broken${world.chance.below(2)}`, 'refused');
    });
    expect(rolled).toEqual(never);
  });

  test('nor a burst of one that is over before it is seen', () => {
    const rolled = after(60, (world) => {
      customers(world, 40);
      if (world.now === 30_000) world.ask(5_000, 'service', () => 'broken', 'refused');
    });
    expect(rolled).toEqual(never);
  });

  test('and does not hold up the ramp, failing now and then for an hour', () => {
    for (const every of [1_000, 30_000, 60_000]) {
      const world = new World(1);
      const verdicts = new Set<string>();
      while (world.now < 3_600_000) {
        customers(world, 20);
        if (world.now % every === 0) world.ask(10, 'service', () => 'broken', 500);
        const { rule } = world.look();
        if (world.now > 60_000) verdicts.add(rule);
      }
      expect([every, ...verdicts]).toEqual([every, 'errors']);
    }
  });
});

describe('one user hides nothing', () => {
  test.each([
    ['good requests', 200],
    ['requests that are not found', 404],
    ['requests that fail too', 'refused'],
  ] as const)('a service that is dead to a customer a second is found, whatever %s one sends', (_, reply) => {
    const rolled = SEEDS.map((seed) => {
      const world = new World(seed);
      rolledBack(seed, 60, () => customers(world, 4), world);
      return rolledBack(
        seed,
        300,
        () => {
          customers(world, 4, 500);
          world.ask(200, 'service', () => 'busy', reply);
        },
        world,
      );
    });
    expect(rolled).toEqual(SEEDS.map(() => expect.any(Number)));
  });

  test('nor do names that somebody makes up', () => {
    const rolled = after(60, (world) => {
      world.ask(3_000, 'service', () => `forged${world.chance.below(1_000_000)}`, 404);
      customers(world, 800, 500);
    });
    expect(rolled).toEqual(SEEDS.map(() => expect.any(Number)));
  });

  test('a pilot of four is found dead, whoever else is turned away', () => {
    const rolled = after(300, (world) => {
      world.ask(20, 'monolith', () => `m${world.chance.below(300)}`, 200);
      world.ask(2, 'service', () => `pilot${world.chance.below(4)}`, 500);
      world.ask(0.4, 'service', () => `forged${world.chance.below(1_000_000)}`, 404);
    });
    expect(rolled).toEqual(SEEDS.map(() => expect.any(Number)));
  });
});

describe('users who fail wherever they are', () => {
  /** So many users of each side ask four times a minute; the first ones always fail. */
  const sides = (world: World, service: number, monolith: number, share: number) => {
    for (const [side, users] of [
      ['service', service],
      ['monolith', monolith],
    ] as const)
      for (const isBroken of [true, false]) {
        const count = isBroken ? Math.round(users * share) : users - Math.round(users * share);
        const name = () => `${side}${isBroken}${world.chance.below(Math.max(1, count))}`;
        world.ask(count / 15, side, name, isBroken ? 500 : 200);
      }
  };

  test.each([
    [180, 20],
    [90, 10],
    [100, 100],
  ])('are no fault of the service: %d users there, %d at the monolith, every tenth fails', (service, monolith) => {
    expect(after(1_800, (world) => sides(world, service, monolith, 0.1))).toEqual(never);
  });

  test('pages of ten requests at once do not make equal sides unequal', () => {
    let page = 0;
    const rolled = after(900, (world) => {
      const visit = `page${page++}`;
      for (let nth = 0; nth < 10; nth++) world.ask(10, 'service', () => visit, world.chance.happens(0.035) ? 500 : 200);
      world.ask(10, 'monolith', () => `m${world.chance.below(1_000_000)}`, world.chance.happens(0.035) ? 500 : 200);
    });
    expect(rolled).toEqual(never);
  });
});

describe('few users', () => {
  test('one who came alone and is refused is taken back after five minutes, also if somebody was there before', () => {
    const rolled = SEEDS.map((seed) => {
      const world = new World(seed);
      rolledBack(seed, 60, () => world.ask(1, 'service', () => 'gone', 200), world);
      return rolledBack(seed, 900, () => world.ask(0.5, 'service', () => 'pilot', 'refused'), world);
    });
    expect(rolled).toEqual(SEEDS.map(() => expect.any(Number)));
  });

  test('at night one burst of one user takes nobody back', () => {
    const rolled = after(600, (world) => {
      world.ask(0.2, 'service', () => 'awake', 200);
      world.ask(2, 'monolith', () => `m${world.chance.below(20)}`, 200);
      if (world.now === 300_000 || world.now === 300_100) world.ask(50, 'service', () => 'burst', 'refused');
    });
    expect(rolled).toEqual(never);
  });

  test('a silent monolith and one good tab hide nothing', () => {
    const rolled = after(300, (world) => {
      world.ask(2, 'service', () => 'tab', 200);
      world.ask(3, 'service', () => `s${world.chance.below(100)}`, world.now < 120_000 ? 200 : 'refused');
    });
    expect(rolled).toEqual(SEEDS.map(() => expect.any(Number)));
  });

  test('the last ten users on the monolith do not hide that a fifth of what the others ask fails', () => {
    const rolled = SEEDS.map((seed) => {
      const world = new World(seed);
      rolledBack(seed, 1_800, () => customers(world, 20), world);
      world.step();
      return rolledBack(
        seed,
        300,
        () => {
          world.ask(20, 'service', () => `s${world.chance.below(990)}`, world.chance.happens(0.2) ? 500 : 200);
          world.ask(0.2, 'monolith', () => `m${world.chance.below(10)}`, 200);
        },
        world,
      );
    });
    expect(rolled).toEqual(SEEDS.map(() => expect.any(Number)));
  });

  test('nor does an account that is pinned to the monolith once nobody else is there', () => {
    const rolled = SEEDS.map((seed) => {
      const world = new World(seed);
      world.alone = true;
      return rolledBack(
        seed,
        300,
        () => {
          world.ask(20, 'service', () => `s${world.chance.below(990)}`, world.chance.happens(0.2) ? 500 : 200);
          world.ask(1, 'monolith', () => 'pinned', 200);
        },
        world,
      );
    });
    expect(rolled).toEqual(SEEDS.map(() => expect.any(Number)));
  });
});
