import { ExactNumber, type Json } from '../reply/json.ts';

export const DIFFERENCE_KINDS = ['status', 'header', 'type', 'format', 'value', 'missing', 'extra', 'order'] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];
/** High: a client may break (status, type, missing). Medium: it gets something else. Low: it gets more. Worst first. */
export const SEVERITIES = ['high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One disagreement of two replies. */
export interface Difference {
  readonly kind: DifferenceKind;
  readonly severity: Severity;
  /** With every index as `[*]`: `$.items[*].total`, `headers.location` or `status`. */
  readonly path: string;
  /** Where exactly, in the old reply's numbering (the new one's for what is extra): `$.items[3].total`. */
  readonly at: string;
  /** A short text of the old value; undefined if it is absent. */
  readonly old: string | undefined;
  readonly new: string | undefined;
}

/** What a rule excused in one pair of replies, all like differences together. */
export interface Excused {
  /** The rule's id. */
  readonly rule: string;
  readonly kind: DifferenceKind;
  readonly path: string;
  readonly count: number;
  /** Samples of the first one. */
  readonly old: string | undefined;
  readonly new: string | undefined;
}

export const SEVERITY: Record<DifferenceKind, Severity> = {
  status: 'high',
  header: 'medium',
  type: 'high',
  format: 'medium',
  value: 'medium',
  missing: 'high',
  extra: 'low',
  order: 'medium',
};

/** Places severities in order, the worst first. */
export const bySeverity = (a: { readonly severity: Severity }, b: { readonly severity: Severity }): number =>
  SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);

const SAMPLE_LENGTH = 160;

/** A value as one short line of JSON, nested parts cut. */
export function sampleOf(value: Json | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = brief(value, 2);
  return text.length <= SAMPLE_LENGTH ? text : `${text.slice(0, SAMPLE_LENGTH - 1)}…`;
}

/** Both values as short lines; of two long texts, and of two lists, the part where they begin to differ. */
export function samplesOf(
  old: Json | undefined,
  newer: Json | undefined,
): readonly [string | undefined, string | undefined] {
  if (Array.isArray(old) && Array.isArray(newer)) return listSamples(old, newer);
  if (typeof old !== 'string' || typeof newer !== 'string') return [sampleOf(old), sampleOf(newer)];
  if (old.length <= SAMPLE_LENGTH / 2 && newer.length <= SAMPLE_LENGTH / 2) return [sampleOf(old), sampleOf(newer)];
  let same = 0;
  while (same < old.length && old[same] === newer[same]) same++;
  const from = Math.max(0, same - SAMPLE_LENGTH / 4);
  const part = (text: string) => `${from > 0 ? '…' : ''}${sampleOf(text.slice(from))}`;
  return [part(old), part(newer)];
}

/** Elements that are looked at to find the first that differs. */
const MOST_ALIKE = 1000;

function listSamples(old: readonly Json[], newer: readonly Json[]): readonly [string | undefined, string | undefined] {
  const end = Math.min(old.length, newer.length, MOST_ALIKE);
  let alike = 0;
  while (alike < end && sampleOf(old[alike]) === sampleOf(newer[alike])) alike++;
  if (alike === 0 || alike === end) return [sampleOf(old), sampleOf(newer)];
  const part = (list: readonly Json[]) => `[… ${alike} alike, ${sampleOf(list.slice(alike))!.slice(1)}`;
  return [part(old), part(newer)];
}

function brief(value: Json, levels: number): string {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SAMPLE_LENGTH));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (levels === 0) return `[${value.length} elements]`;
    const more = value.length > 5 ? `, … ${value.length - 5} more` : '';
    return `[${joined(value.slice(0, 5), (element) => brief(element, levels - 1))}${more}]`;
  }
  if (levels === 0) return '{…}';
  const members = Object.entries(value).slice(0, 12);
  return `{${joined(members, ([name, member]) => `${JSON.stringify(name)}: ${brief(member, levels - 1)}`)}}`;
}

/** As many of the texts as can be seen in a sample, so that what is cut off costs nothing. */
function joined<T>(all: readonly T[], textOf: (one: T) => string): string {
  let text = '';
  for (const one of all) {
    if (text.length > SAMPLE_LENGTH) break;
    text += text === '' ? textOf(one) : `, ${textOf(one)}`;
  }
  return text;
}
