import type { QuarantineEntry } from '@strangler/ledger';
import type { MappedTable } from '../mapping/mapping.ts';
import { pathOf } from '../mapping/user-column.ts';

/** In an image, stands for a value that did not fit: an object, where a value is always a text or null. */
type Cut = { readonly cut: number };

/** Longer values than this many characters are cut when an entry does not fit. */
const LONGEST = 200;
/** An error's message may hold the value. */
const LONGEST_DETAIL = 2_000;

/** The entry without its long values, but with those that say which row it is and whose. */
export function cutEntry(table: MappedTable, entry: QuarantineEntry): QuarantineEntry {
  const stay = new Set([...table.key, ...pathOf(table.user)]);
  const cut = (image: string | null) =>
    image === null
      ? null
      : JSON.stringify(JSON.parse(image), (column, value) =>
          typeof value === 'string' && value.length > LONGEST && !stay.has(column)
            ? ({ cut: value.length } satisfies Cut)
            : value,
        );
  const { before, after, owner, detail } = entry;
  return {
    ...{ ...entry, before: cut(before), after: cut(after), owner: cut(owner) },
    detail: detail && detail.length > LONGEST_DETAIL ? `${detail.slice(0, LONGEST_DETAIL)}…` : detail,
  };
}

/** What was cut from an entry: `words of the image after (3000000 characters)`; empty if it is whole. */
export function cutFrom({ before, after, owner }: QuarantineEntry): string[] {
  return Object.entries({ before, after, owner }).flatMap(([image, text]) =>
    Object.entries(JSON.parse(text ?? '{}') as Record<string, unknown>).flatMap(([column, value]) =>
      isCut(value) ? [`${column} of the image ${image} (${value.cut} characters)`] : [],
    ),
  );
}

/** An image as texts, with a note where a value was cut: to be shown, never to be applied. */
export const imageWithNotes = (text: string): Record<string, string | null> =>
  JSON.parse(text, (_, value) => (isCut(value) ? `(cut: ${value.cut} characters)` : value));

/** A whole image has texts in it, also where a column is called `cut`. */
const isCut = (value: unknown): value is Cut =>
  typeof value === 'object' && value !== null && 'cut' in value && typeof value.cut === 'number';
