/** What users are: one canonical text each, the same for a request, a row, a pin and a flag. */
export const USER_TYPES = ['text', 'caseless', 'integer', 'uuid'] as const;
export type UserType = (typeof USER_TYPES)[number];

/** Longest user of a request, in characters: as many as the toolkit’s own tables hold of a user. */
export const LONGEST_USER = 190;

const UUID = /^[{]?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})[}]?$/;

/**
 * The one text for a user of this type, whichever way it is spelt: `caseless` in lower case, `integer` in plain digits
 * of any length, `uuid` in lower case with dashes. Undefined if it is none, or empty.
 */
export function canonicalUser(type: UserType, spelt: string): string | undefined {
  if (spelt.length === 0) return undefined;
  switch (type) {
    case 'text':
      return spelt;
    case 'caseless':
      return spelt.toLowerCase();
    case 'integer':
      return /^-?\d+$/.test(spelt) ? String(BigInt(spelt)) : undefined;
    case 'uuid':
      return UUID.exec(spelt.toLowerCase())?.slice(1).join('-');
  }
}
