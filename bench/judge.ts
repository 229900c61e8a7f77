import { setImmediate } from 'node:timers/promises';
import type { Benchmark, Options } from './benchmark.ts';
import { quantile, rounded, table } from './figures.ts';
import { upperBound } from './judge/certainty.ts';
import { day, detection, regularsMeet, rolledBackAfter } from './judge/simulate.ts';
import type { Kind, Load } from './judge/traffic.ts';
import { say } from './screen.ts';

const DAYS = 25;
const ROUNDS = 40;

/** Requests a second, and for how many of the days they are simulated: a fast day takes a hundred times as long. */
const SPEEDS = [
  { speed: 1 / 60, name: '1/min', part: 1 },
  { speed: 0.1, name: '0.1/s', part: 0.5 },
  { speed: 1, name: '1/s', part: 0.1 },
  { speed: 10, name: '10/s', part: 0.04 },
  { speed: 100, name: '100/s', part: 0.01 },
];
const SHARES = [0.01, 0.1, 0.5, 0.9, 0.99];
const RATES = [0, 0.001, 0.01, 0.04, 0.06, 0.1, 0.3];
const WAYS: readonly { readonly name: string; readonly kind: Kind; readonly hard: boolean }[] = [
  { name: 'single', kind: 'single', hard: false },
  { name: 'single, hard', kind: 'single', hard: true },
  { name: 'retries', kind: 'retries', hard: false },
  { name: 'retries, hard', kind: 'retries', hard: true },
  { name: 'stubborn', kind: 'stubborn', hard: false },
  { name: 'stubborn, hard', kind: 'stubborn', hard: true },
  { name: 'spells of one side', kind: 'spells', hard: false },
  { name: 'spells of both', kind: 'common', hard: false },
  { name: 'spells of both, hard', kind: 'common', hard: true },
];

const equal = (rate: number) => ({ monolith: rate, service: rate });
const percent = (part: number) => `${rounded(part * 100)} %`;

type Cell = { readonly speed: string; readonly way: string; readonly rate: number; readonly share: number } & {
  readonly days: number;
  readonly wrong: number;
};

/** Every cell of the grid; where there is less than a day for each, every so many cells get one. */
async function falseAlarms(days: number, seed: number, signal: AbortSignal): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const { speed, name, part } of SPEEDS) {
    let due = 0;
    for (const rate of RATES)
      for (const way of rate ? WAYS : WAYS.slice(0, 1))
        for (const share of [...SHARES, ...(rate === 0.04 && !way.hard ? [1] : [])]) {
          await setImmediate();
          signal.throwIfAborted();
          const load: Load = { speed, share, rates: equal(share === 1 ? 0.049 : rate), kind: way.kind, hard: way.hard };
          due += days * part;
          let wrong = 0;
          const count = Math.floor(due);
          due -= count;
          for (let nth = 0; nth < count; nth++) if (day(load, seed + nth)) wrong++;
          cells.push({ speed: name, way: way.name, rate, share, days: count, wrong });
        }
    say(`${name}: ${sayWrong(cells.filter((cell) => cell.speed === name))}`);
  }
  return cells;
}

function sum(cells: readonly Cell[]): { wrong: number; days: number } {
  return cells.reduce((all, { wrong, days }) => ({ wrong: all.wrong + wrong, days: all.days + days }), {
    wrong: 0,
    days: 0,
  });
}

function sayWrong(cells: readonly Cell[]): string {
  const { wrong, days } = sum(cells);
  return days ? `${wrong} of ${days} (< ${percent(upperBound(wrong, days))})` : '';
}

/** Requests a second to the service and to the monolith. */
const LOADS = [
  [1, 99],
  [1, 9],
  [2, 18],
  [5, 45],
  [10, 90],
  [1, 1],
  [5, 5],
  [20, 20],
  [50, 50],
  [9, 1],
  [90, 10],
] as const;
const HISTORIES = [600_000, 7_200_000];
/** Share of requests that fail on both sides before a service fails altogether. */
const USUAL = [0.001, 0.03];

async function detections(rounds: number, seed: number, signal: AbortSignal) {
  const rows: Record<string, number | string>[] = [];
  for (const [service, monolith] of LOADS)
    for (const history of HISTORIES) {
      const speed = service + monolith;
      const before: Load = { speed, share: service / speed, rates: equal(0.001), kind: 'single', hard: false };
      const change = { before, after: { ...before, rates: { monolith: 0.001, service: 0.05 } }, history };
      const found: { ours: number; theirs: number }[] = [];
      for (let nth = 0; nth < rounds; nth++) {
        await setImmediate();
        signal.throwIfAborted();
        found.push(detection(change, seed + nth));
      }
      const at = (who: 'ours' | 'theirs', part: number) =>
        quantile(
          found.map((one) => one[who]),
          part,
        );
      rows.push({
        load: `${service}/s of ${speed}/s, after ${history / 60_000} min`,
        ...{ p50: at('ours', 0.5), p90: at('ours', 0.9), p50Before: at('theirs', 0.5), p90Before: at('theirs', 0.9) },
      });
      say(JSON.stringify(rows.at(-1)));
    }
  return rows;
}

/** Requests to the service until the rollback once all of them fail: because it cannot be reached, or with an answer of its own. */
async function outages(rounds: number, seed: number, signal: AbortSignal) {
  const rows: Record<string, number | string>[] = [];
  for (const usual of USUAL)
    for (const [service, monolith] of LOADS) {
      const speed = service + monolith;
      const ways: Record<string, number> = {};
      for (const hard of [true, false]) {
        const before: Load = { speed, share: service / speed, rates: equal(usual), kind: 'single', hard };
        const change = { before, after: { ...before, rates: { monolith: usual, service: 1 } }, history: 600_000 };
        const found: number[] = [];
        for (let nth = 0; nth < rounds; nth++) {
          await setImmediate();
          signal.throwIfAborted();
          found.push(detection(change, seed + nth).ours);
        }
        const way = hard ? 'hard' : 'errors';
        Object.assign(ways, { [`${way}P50`]: quantile(found, 0.5), [`${way}P90`]: quantile(found, 0.9) });
      }
      const load = `${service}/s of ${speed}/s, ${percent(usual)} fail as a rule`;
      rows.push({ load, ...ways, seconds: ways.errorsP50! / service });
    }
  return rows;
}

const REGULARS: readonly {
  readonly name: string;
  readonly users: number;
  readonly rate: number;
  readonly more?: Partial<Load>;
}[] = [
  { name: 'half of what 50 users ask is refused', users: 50, rate: 0.5, more: { hard: true } },
  { name: 'half of what 50 users ask fails', users: 50, rate: 0.5 },
  { name: 'a tenth of what 50 users ask fails', users: 50, rate: 0.1 },
  { name: '40 % of 50 users can do nothing', users: 50, rate: 0.4, more: { kind: 'users', hard: true } },
  { name: 'all that 3 users ask fails', users: 3, rate: 1 },
  { name: 'half of what 3 users ask fails', users: 3, rate: 0.5 },
  { name: 'all that one user asks fails', users: 1, rate: 1 },
  { name: 'down for 5 s of every 60', users: 50, rate: 1, more: { pulse: { lasts: 5_000, every: 60_000 } } },
  { name: 'down for 1 s of every 10', users: 50, rate: 1, more: { pulse: { lasts: 1_000, every: 10_000 } } },
];
const HOUR_MS = 3_600_000;

/** Seconds until the rollback where the same users come four times a second, and nothing fails at the monolith. */
async function regulars(rounds: number, seed: number, signal: AbortSignal) {
  const rows: { readonly name: string; readonly p50: number; readonly p90: number }[] = [];
  for (const { name, users, rate, more } of REGULARS) {
    const change = regularsMeet(users, rate, more);
    const found: number[] = [];
    for (let nth = 0; nth < rounds; nth++) {
      await setImmediate();
      signal.throwIfAborted();
      found.push((rolledBackAfter(change, seed + nth, HOUR_MS) ?? Number.POSITIVE_INFINITY) / 1_000);
    }
    rows.push({ name, p50: quantile(found, 0.5), p90: quantile(found, 0.9) });
  }
  return rows;
}

async function run({ days = DAYS, rounds = ROUNDS, seed = 1, signal }: Options) {
  const found = await detections(rounds, seed, signal);
  const total = await outages(rounds, seed, signal);
  const few = await regulars(rounds, seed, signal);
  const cells = await falseAlarms(days, seed, signal);
  const alone = cells.filter(({ share }) => share === 1);
  const shared = cells.filter(({ share }) => share < 1);
  const text = [
    `false rollbacks in days of 24 h, both sides equal, all speeds and shares (95 % upper bound), seed ${seed}`,
    table([
      ['', ...RATES.map(percent)],
      ...WAYS.map(({ name }) => [
        name,
        ...RATES.map((rate) => sayWrong(shared.filter((cell) => cell.way === name && cell.rate === rate))),
      ]),
      ['all', ...RATES.map((rate) => sayWrong(shared.filter((cell) => cell.rate === rate)))],
    ]),
    table([
      ['', ...SPEEDS.map(({ name }) => name)],
      ...SHARES.map((share) => [
        `${percent(share)} to the service`,
        ...SPEEDS.map(({ name }) => sayWrong(shared.filter((cell) => cell.speed === name && cell.share === share))),
      ]),
      ['alone at 4.9 %', ...SPEEDS.map(({ name }) => sayWrong(alone.filter((cell) => cell.speed === name)))],
    ]),
    `requests to the service until 5 % errors after 0.1 % are found; before: the judge that this one replaced`,
    table([
      ['service’s share', 'p50', 'p90', 'p50 before', 'p90 before', 'p50 ratio', 'p90 ratio'],
      ...found.map(({ load, p50, p90, p50Before, p90Before }) => [
        ...[load!, p50!, p90!, p50Before!, p90Before!],
        ...[Number(p50) / Number(p50Before), Number(p90) / Number(p90Before)],
      ]),
    ]),
    'requests to the service until it is found when all of them fail: hard, or with an answer of its own',
    table([
      ['service’s share', 'hard p50', 'hard p90', 'errors p50', 'errors p90', 'seconds'],
      ...total.map(({ load, hardP50, hardP90, errorsP50, errorsP90, seconds }) => [
        ...[load!, hardP50!, hardP90!, errorsP50!, errorsP90!, seconds!],
      ]),
    ]),
    'seconds until the rollback where the same users come four times a second',
    table([['', 'p50', 'p90'], ...few.map(({ name, p50, p90 }) => [name, rounded(p50), rounded(p90)])]),
  ].join('\n\n');
  return { text, figures: { seed, days, rounds, detection: found, total, few, wrong: sum(cells), cells } };
}

export const judge: Benchmark = { about: 'false rollbacks and late ones, simulated', run };
