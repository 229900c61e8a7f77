import type { KeptEntry } from '@strangler/ledger';
import { type Cause, sayWhose, sourceOf } from '@strangler/plan';
import { textTable } from '../text-table.ts';
import { sayCut } from './cut.ts';
import { isDisputed } from './dispute.ts';
import { sayEntry } from './entry-name.ts';
import { isLate, type Line, type RowPair } from './side-by-side.ts';
import type { Shown } from './view.ts';

/** Entries as a table. */
export function printList(entries: readonly KeptEntry[]): string {
  if (!entries.length) return 'nothing is kept that fits';
  const head = ['entry', 'state', 'cause', 'user', 'row', 'kept at', 'how it was settled'];
  const lines = entries.map((entry) => [
    ...[sayEntry(entry.stream, entry.id), entry.status, entry.cause, inert(sayUser(entry))],
    ...[inert(`${entry.table} ${entry.key}`), entry.keptAt, inert(entry.resolution ?? '')],
  ]);
  return textTable(head, lines);
}

const sayUser = ({ user, aggregate }: KeptEntry): string =>
  user && user !== aggregate ? user : sayWhose(user, aggregate);

const sayAgainst = (detail: string | null): string =>
  detail === null ? 'it contradicts the owner’s row' : `the owner’s database did not take it: ${detail}`;

const WHY: Record<Cause, (entry: KeptEntry, from: string) => string> = {
  'retried-purchase': () => 'it is the same purchase as a row of the owner’s, which holds',
  'late-superseded': ({ epoch }, from) =>
    `the ${from} wrote it after it had given the user away (epoch ${epoch}), and the owner had it so already, or has not what it belongs to`,
  'rogue-superseded': (_, from) =>
    `the ${from} wrote it without ever having owned the user: somebody writes past the proxy; the owner had it so already, or has not what it belongs to`,
  'late-applied': ({ epoch }, from) =>
    `the ${from} wrote it after it had given the user away (epoch ${epoch}); the owner had not changed the row since, so it was applied`,
  'rogue-applied': (_, from) =>
    `the ${from} wrote it without ever having owned the user: somebody writes past the proxy; nothing contradicted it, so it was applied`,
  overwritten: (_, from) =>
    `the ${from}, whose row it is, took another row for there than there was: somebody had written it otherwise`,
  corrected: () => 'a correction brought what the owner has, and another row was there',
  copied: () => 'the copy of existing rows met another row there',
  orphaned: ({ detail }) =>
    `it refers to ${detail}, which was deleted on one side while this row was written on the other`,
  recopied: ({ operation }) =>
    operation === null
      ? 'its owner wrote over it before a lost piece of the log was copied again'
      : `strangler recopy wrote over it (operation ${operation})`,
  repaired: ({ operation }) => `strangler repair wrote over it (operation ${operation})`,
  decided: ({ operation }) => `what somebody decided about a kept row wrote over it (operation ${operation})`,
  undone: ({ operation }) => `strangler undo wrote over it (operation ${operation})`,
  born: () => 'it was new to both sides',
  declared: () => 'the Plan declares who writes it',
  'late-write': ({ epoch, detail }, from) =>
    `the ${from} wrote it after it had given the user away (epoch ${epoch}), and ${sayAgainst(detail)}`,
  'rogue-write': ({ detail }, from) =>
    `the ${from} wrote it without ever having owned the user: somebody writes past the proxy; ${sayAgainst(detail)}`,
  'changed-hands': (_, from) =>
    `the ${from} wrote it for another user than the owner's row is of, and neither gives way: it was not the ${from}'s to give`,
  inapplicable: ({ detail }) => `the target’s database did not take it: ${detail}`,
  'behind-inapplicable': () => 'it waits behind an earlier change of the same row or user that could not be applied',
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
      `${entry.aggregate} of ${sayWhose(entry.user, entry.aggregate)}${others ? `, ${others} more of its rows were kept with it` : ''}`,
    ],
    ['why', WHY[entry.cause](entry, sourceOf(direction))],
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
    `${shown.name}  ${entry.status}  ${entry.cause}`,
    ...facts.map(([label, text]) => `  ${label!.padEnd(8)}${inert(text!)}`),
    ...pairs.flatMap((pair) => ['', ...printPair(pair, owner, isLate(entry) ? 'late write' : 'was there')]),
    '',
    ...(entry.status === 'open' ? ways(shown) : waysBack(shown)),
  ].join('\n');
}

function printPair({ row, note, lines }: RowPair, owner: string | undefined, kept: string): string[] {
  const withBefore = lines.some(({ before }) => before !== undefined);
  const head = ['', 'column', ...(withBefore ? ['before'] : []), kept, owner ? `owner (${owner})` : 'owner'];
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

/** What one can do about what is not open. */
function waysBack({ name, entry, undo }: Shown): string[] {
  const lines =
    entry.expectedAt === null ? [`it is as it should be: strangler quarantine expect ${name} --reason "…"`] : [];
  if (!undo) return lines;
  if ('not' in undo) return [...lines, inert(`it cannot be undone:   ${undo.not}`)];
  if (undo.changed.length) lines.push(inert(`the owner has changed ${undo.changed.join(', ')} since`));
  const seen = undo.changed.length ? ` --seen ${undo.seen}` : '';
  return [...lines, `put it back:           strangler undo ${name}${seen} --reason "…"`];
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
