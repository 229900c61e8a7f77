import { join } from 'node:path';
import { type Home, readJson, writeJson } from './home.ts';
import type { Part } from './parts.ts';
import type { Ports } from './ports.ts';
import type { PartState } from './reconcile.ts';

/** What is wished for, written by the commands and read by the supervisor: a growing number per part that shall run. */
export interface Wishes {
  readonly ports: Ports;
  readonly parts: Readonly<Partial<Record<Part, number>>>;
}

/** What is, written by the supervisor and read by the commands. */
export interface Report {
  readonly parts: Readonly<Partial<Record<Part, PartState & { readonly error?: string }>>>;
}

const wishesFile = (home: Home) => join(home.run, 'wishes.json');
const reportFile = (home: Home) => join(home.run, 'report.json');

export const readWishes = (home: Home): Wishes | undefined => readJson(wishesFile(home));
export const writeWishes = (home: Home, wishes: Wishes): void => writeJson(wishesFile(home), wishes);
export const readReport = (home: Home): Report => readJson(reportFile(home)) ?? { parts: {} };
export const writeReport = (home: Home, report: Report): void => writeJson(reportFile(home), report);

export const supervisorLock = (home: Home): string => `supervisor ${home.root}`;
export const markOf = (home: Home, part: Part): string => `${part}@${home.root}`;
