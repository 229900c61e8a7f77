import type { Difference } from './difference.ts';
import { formatOf } from './leaf.ts';
import type { Rule } from './rules.ts';

/** A narrow rule that would excuse a difference, as a proposal for a person; undefined where none should be proposed. */
export function suggestRule(difference: Difference): Rule | undefined {
  const { path } = difference;
  if (difference.kind === 'status') return undefined;
  if (path.includes('…')) return undefined; // nested so deep that the path is not shown whole
  const absent = difference.kind === 'missing' || difference.kind === 'extra';
  if (absent && (path === '$' || path.endsWith('[*]'))) return undefined; // would let any number of elements go
  const id = path.replace(/[^\w]+/g, '-').replace(/^-|-$/g, '') || 'body';
  const base = { id, reason: 'why this may differ', path };
  const [old, newer] = [read(difference.old), read(difference.new)];
  if (difference.kind === 'order') return { ...base, kind: 'unordered' };
  if (difference.kind === 'type' && isNumeric(old) && isNumeric(newer))
    return { ...base, kind: 'numeric-string-is-number' };
  if (absent && [old, newer].includes(null)) return { ...base, kind: 'null-is-absent' };
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
