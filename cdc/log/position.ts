import { FatalStreamError } from '../fatal-stream-error.ts';
import { NEXT_STEP } from './continuity.ts';
import type { LogPlace } from './row-change.ts';

/** The log of another server cannot be compared with this one: nothing may be applied. */
export class ForeignLogError extends FatalStreamError {
  constructor(known: string, found: string) {
    super(
      `the source's log comes from another server (${found}, was ${known}): its positions do not compare. ${NEXT_STEP}`,
    );
    this.name = 'ForeignLogError';
  }
}

/** A commit position as the checkpoint keeps it: `server/binlog.000002/456` or `lsn/789`. */
export function sayPosition(place: LogPlace): string {
  return place.dialect === 'postgres' ? `lsn/${place.lsn}` : `${place.server}/${place.file}/${place.pos}`;
}

const numberOf = (file: string): bigint => BigInt(file.slice(file.lastIndexOf('.') + 1));

/** True if position `a` is after `b`; everything is after null. Throws ForeignLogError if they are of two servers. */
export function isAfter(a: string, b: string | null): boolean {
  if (b === null) return true;
  const [serverA, fileA, posA] = a.split('/') as [string, string, string?];
  const [serverB, fileB, posB] = b.split('/') as [string, string, string?];
  if (serverA !== serverB) throw new ForeignLogError(serverB, serverA);
  if (posA === undefined || posB === undefined) return BigInt(fileA) > BigInt(fileB);
  const files = numberOf(fileA) - numberOf(fileB);
  return files > 0n || (files === 0n && BigInt(posA) > BigInt(posB));
}
