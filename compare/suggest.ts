import type { Difference } from './difference.ts';
import { formatOf } from './leaf.ts';
import type { Rule } from './rules.ts';

/** The narrowest rule that would excuse a difference, as a proposal for a person; undefined for a status. */
export function suggestRule(difference: Difference): Rule | undefined {
  if (difference.kind === 'status') return undefined;
  const { path } = difference;
  const id = path.replace(/[^\w]+/g, '-').replace(/^-|-$/g, '') || 'body';
  const base = { id, reason: 'why this may differ', path };
  const [old, newer] = [read(difference.old), read(difference.new)];
  if (difference.kind === 'order') return { ...base, kind: 'unordered' };
  if (difference.kind === 'type' && isNumeric(old) && isNumeric(newer))
    return { ...base, kind: 'numeric-string-is-number' };
  if (['missing', 'extra'].includes(difference.kind) && (old ?? newer) === null)
    return { ...base, kind: 'null-is-absent' };
  if (difference.kind === 'value' && typeof old === 'string' && formatOf(old) !== 'text')
    return { ...base, kind: 'shape-only' };
  if (difference.kind === 'value' && /id'?\]?$/i.test(path)) return { ...base, kind: 'id-map', map: id };
  return { ...base, kind: 'ignore' };
}

function read(sample: string | undefined): unknown {
  try {
    return sample === undefined ? undefined : JSON.parse(sample);
  } catch {
    return undefined; // a cut sample
  }
}

const isNumeric = (value: unknown) =>
  typeof value === 'number' || (typeof value === 'string' && formatOf(value) === 'number');
