import { type Status, sayDuration } from '@strangler/plan';
import type { Line } from '../screen.ts';
import { lagOf, type Wound } from './recoveries.ts';
import type { Victim } from './victims.ts';

/** Everything the panel shows, at one moment. */
export type View = {
  readonly now: number;
  /** What can be killed by a key; undefined if nobody sits at the keyboard. */
  readonly keys: readonly Pick<Victim, 'key' | 'name'>[] | undefined;
  /** Share of the purchases acknowledged, 0…1. */
  readonly share: number;
  readonly ledger: { readonly acknowledged: number; readonly found: number; readonly lost: number };
  readonly customers: { readonly requests: number; readonly retried: number; readonly errors: number };
  /** What control last said; undefined while it does not answer. */
  readonly status: Status | undefined;
  /** How long the oldest acknowledged purchase has waited for the other database, in milliseconds. */
  readonly waiting: number;
  readonly bleeding: readonly Wound[];
};

const BAR = 20;
const IN_A_LINE = 5;
/** More of them would push the ledger off a small screen. */
const WOUNDS = 9;
const count = (n: number): string => n.toLocaleString('en');
const row = (head: string, ...parts: string[]): string => `  ${head.padEnd(10)}${parts.join('   ')}`;

/** The lines that name the keys. */
function legendOf(keys: readonly Pick<Victim, 'key' | 'name'>[]): Line[] {
  const names = keys.map(({ key, name }) => `${key} ${name}`);
  const lines = [row('press', ...names.slice(0, IN_A_LINE)), row('to kill', ...names.slice(IN_A_LINE))];
  return lines.map((text) => ({ text, tone: 'dim' }));
}

/** The panel: ledger, customers, boundary, lag, and what is down or not healed yet. */
export function panelOf(view: View): Line[] {
  const { now, share, ledger, customers, status, waiting, bleeding } = view;
  const { acknowledged, found, lost } = ledger;
  const book = row(
    'ledger',
    `${count(acknowledged)} acknowledged`,
    `${count(found)} found in both`,
    `${count(acknowledged - found - lost)} under way`,
    `${count(lost)} lost`,
  );
  return [
    '',
    ...(view.keys ? legendOf(view.keys) : []),
    lost ? { text: book, tone: 'red' } : book,
    row(
      'customers',
      `${Math.floor(share * 100)} % of the purchases`,
      `${count(customers.requests)} requests`,
      `${count(customers.retried)} retried`,
      `${count(customers.errors)} errors`,
    ),
    ...(status ? boundariesOf(status) : [row('boundary', 'control does not answer; users stay where they are')]),
    row('lag', `streams ${status ? lag(lagOf(status)) : '?'}`, `oldest purchase on its way ${lag(waiting)}`),
    ...bleeding.slice(-WOUNDS).map((one): Line => ({ text: row('wounded', sayWound(one, now)), tone: 'red' })),
  ];
}

const boundariesOf = ({ capabilities }: Status): string[] =>
  capabilities.toReversed().map(({ capability, boundary, target }) => {
    const full = Math.round((boundary / 10_000) * BAR);
    const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
    const going = target === boundary ? '' : ` → ${target / 100} %`;
    return row('boundary', `${bar} ${capability} ${boundary / 100} %${going}`);
  });

const lag = (ms: number): string => (Number.isFinite(ms) ? sayDuration(ms) : '∞');

const sayWound = ({ victim, at, back }: Wound, now: number): string =>
  `${victim}, killed ${sayDuration(now - at)} ago: ${back === undefined ? 'down' : 'back, catching up'}`;
