import type { KeptEntry } from '@strangler/ledger';
import { sourceOf } from '@strangler/plan';
import { textTable } from '../text-table.ts';
import { sayCut } from './cut.ts';
import { isDisputed } from './dispute.ts';
import { sayEntry } from './entry-name.ts';
import type { Line, RowPair } from './side-by-side.ts';
import type { Shown } from './view.ts';

/** Entries as a table. */
export function printList(entries: readonly KeptEntry[]): string {
  if (!entries.length) return 'nothing is kept that fits';
  const head = ['entry', 'state', 'reason', 'user', 'row', 'kept at', 'how it was settled'];
  const lines = entries.map((entry) => [
    ...[sayEntry(entry.stream, entry.id), entry.status, entry.reason, inert(entry.user ?? '?')],
    ...[inert(`${entry.table} ${entry.key}`), entry.keptAt, inert(entry.resolution ?? '')],
  ]);
  return textTable(head, lines);
}

const sayAgainst = (detail: string | null): string =>
  detail === null ? 'it contradicts the owner’s row' : `the owner’s database did not take it: ${detail}`;

const WHY: Record<KeptEntry['reason'], (entry: KeptEntry, from: string) => string> = {
  superseded: (_, from) => `the ${from} wrote it after it had given the user away, and the owner’s row holds`,
  'late-write': ({ epoch, detail }, from) =>
    `the ${from} wrote it after it had given the user away (epoch ${epoch}), and ${sayAgainst(detail)}`,
  'rogue-write': ({ detail }, from) =>
    `the ${from} wrote it without ever having owned the user: somebody writes past the proxy; ${sayAgainst(detail)}`,
  inapplicable: ({ detail }) => `the target’s database did not take it: ${detail}`,
  'behind-inapplicable': () => 'it waits behind an earlier row of the same user that could not be applied',
};

/** An entry beside the owner's rows, and what one can do. */
export function printShown(shown: Shown): string {
  const { entry, owner, unsure, together, pairs } = shown;
  const direction = entry.stream.endsWith(':forward') ? 'forward' : 'reverse';
  const others = together.length - 1;
  const cut = sayCut(entry);
  const facts = [
    [
      'what',
      `${entry.aggregate} of user ${entry.user ?? '?'}${others ? `, ${others} more of its rows were kept with it` : ''}`,
    ],
    ['why', WHY[entry.reason](entry, sourceOf(direction))],
    [
      'from',
      `${entry.stream}, transaction ${entry.transaction ?? 'none (a row of a copy)'}, position ${entry.position}`,
    ],
    ['kept', entry.keptAt],
    ...(cut === undefined ? [] : [['cut', cut]]),
    ['owner', owner ? `the ${owner}, now` : (unsure ?? '')],
    ...(entry.resolution ? [['settled', `${entry.settledAt ?? entry.keptAt}: ${entry.resolution}`]] : []),
  ];
  return [
    `${shown.name}  ${entry.status}  ${entry.reason}`,
    ...facts.map(([label, text]) => `  ${label!.padEnd(8)}${inert(text!)}`),
    ...pairs.flatMap((pair) => ['', ...printPair(pair, owner)]),
    ...(entry.status === 'open' ? ['', ...ways(shown)] : []),
  ].join('\n');
}

function printPair({ row, note, lines }: RowPair, owner: string | undefined): string[] {
  const withBefore = lines.some(({ before }) => before !== undefined);
  const head = ['', 'column', ...(withBefore ? ['before'] : []), 'late write', owner ? `owner (${owner})` : 'owner'];
  const cells = lines.map((line: Line) => [
    ...[line.differs ? '≠' : '', line.column],
    ...(withBefore ? [sayValue(line.before)] : []),
    ...[sayValue(line.late), sayValue(line.owner)],
  ]);
  return [
    `${inert(row)}: ${note}`,
    ...textTable(head, cells)
      .split('\n')
      .map((text) => `  ${text}`),
  ];
}

function ways({ name, entry, seen }: Shown): string[] {
  const resolve = `strangler quarantine resolve ${name}`;
  if (!isDisputed(entry)) {
    return [
      `when there is room for it:   strangler quarantine retry ${name}`,
      `take what the owner has now: ${resolve} --keep owner --reason "…"`,
    ];
  }
  const as = seen === undefined ? '' : ` --seen ${seen}`;
  return [
    `keep the owner’s:    ${resolve} --keep owner${as} --reason "…"`,
    `keep the late write: ${resolve} --keep late${as} --reason "…"`,
  ];
}

const WIDEST = 40;

/** A value on one line: NULL, nothing for a row that is not there, long ones cut. */
function sayValue(text: string | null | undefined): string {
  if (text === undefined) return '';
  if (text === null) return 'NULL';
  const flat = inert(text);
  return flat.length > WIDEST ? `${flat.slice(0, WIDEST - 1)}…` : flat || "''";
}

/** Without anything that a terminal would obey. */
const inert = (text: string): string => text.replace(/\p{Cc}/gu, (one) => JSON.stringify(one).slice(1, -1));
