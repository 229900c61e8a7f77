import { ExactNumber, type Json } from './json.ts';

export type DifferenceKind = 'status' | 'header' | 'type' | 'format' | 'value' | 'missing' | 'extra' | 'order';
/** High: a client may break (status, type, missing). Medium: it gets something else. Low: it gets more. */
export type Severity = 'high' | 'medium' | 'low';

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

const SAMPLE_LENGTH = 160;

/** A value as one short line of JSON, nested parts cut. */
export function sampleOf(value: Json | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = brief(value, 2);
  return text.length <= SAMPLE_LENGTH ? text : `${text.slice(0, SAMPLE_LENGTH - 1)}…`;
}

function brief(value: Json, levels: number): string {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SAMPLE_LENGTH));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (levels === 0) return `[${value.length} elements]`;
    const shown = value.slice(0, 5).map((element) => brief(element, levels - 1));
    return `[${[...shown, ...(value.length > 5 ? [`… ${value.length - 5} more`] : [])].join(', ')}]`;
  }
  if (levels === 0) return '{…}';
  const members = Object.entries(value).slice(0, 12);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${brief(member, levels - 1)}`).join(', ')}}`;
}
