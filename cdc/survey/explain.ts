import { EVERYBODY, type HeardWrite, type SurveyCause, type SurveyFinding } from '@strangler/plan';
import { type HeardWrites, SLACK_MS, type Stretch } from './heard-writes.ts';
import type { RowOwner } from './row-owners.ts';

/** One captured change of a surveyed row. */
export type SurveyedChange = Pick<SurveyFinding, 'table' | 'op' | 'columns'> & {
  readonly capability: string;
  /** The row's primary key, for people. */
  readonly key: string;
  /** Whose it was, and whose it is; undefined where there is no such image. */
  readonly before: RowOwner | undefined;
  readonly after: RowOwner | undefined;
  /** The database deletes it with its parent, which is deleted in the same transaction. */
  readonly cascade: boolean;
  readonly at: Stretch;
  readonly transaction: string;
};

/** What a request that was under way is to a change it may have made. */
export type Suspect = { readonly relation: SurveyCause; readonly route: string };

/** What became of asking why. `late`: how long after the answer it came, ms; 0 if the request was under way. */
export type ChangeExplained =
  | { readonly kind: 'explained'; readonly route: string; readonly late: number }
  | { readonly kind: 'finding'; readonly cause: SurveyCause }
  | { readonly kind: 'suspects'; readonly suspects: readonly Suspect[] }
  | { readonly kind: 'unknown' };

/**
 * Was a write of the row's user under way, on a route that moves with the row? Another capability's routes may insert
 * (docs/how-it-works.md), and nothing else; of what is everybody’s they may do nothing undeclared.
 */
export function explain(change: SurveyedChange, heard: HeardWrites): ChangeExplained {
  const { capability, before, after, at } = change;
  const isEverybodys = (after ?? before) === 'everybody';
  const user = isEverybodys ? { user: EVERYBODY } : userOf(before, after);
  if (typeof user === 'string') return { kind: 'finding', cause: user };
  // Everybody asks everywhere: what goes elsewhere explains nothing.
  const isOwn = (write: HeardWrite) => isTaken(write) && (!isEverybodys || write.capability === capability);
  const own = heard.ofUser(capability, user.user, at).filter(isOwn);
  const nearest = own.sort((a, b) => distance(a, at) - distance(b, at));
  const made = nearest.find((write) => mayMake(change, write));
  // What is under way is likelier to have made it than what has been answered.
  if (made && distance(made, at) <= distance(nearest[0]!, at)) {
    const late = distance(made, at);
    return { kind: 'explained', route: made.route, late: late > SLACK_MS ? late : 0 };
  }
  if (change.cascade) return { kind: 'finding', cause: 'cascade' };
  if (heard.isDeaf(at)) return { kind: 'unknown' };
  const underWay = heard.during(at).filter(isTaken);
  const suspects = underWay.length ? underWay : own;
  return {
    kind: 'suspects',
    suspects: suspects.map((write) => suspectOf(change, isEverybodys ? undefined : user.user, write)),
  };
}

/** The user whose request should have made the change, or why there is no one such. */
function userOf(before: RowOwner | undefined, after: RowOwner | undefined): { readonly user: string } | SurveyCause {
  for (const owner of [before, after]) {
    if (owner === 'unreadable') return 'user-unreadable';
    if (owner === 'no-parent') return 'no-parent';
  }
  const [old, now] = [before, after] as ({ readonly user: string } | 'null' | undefined)[];
  if (old === undefined || old === 'null') return now === undefined || now === 'null' ? 'no-user' : now;
  return now === undefined || (now !== 'null' && now.user === old.user) ? old : 'user-changed';
}

/** What was refused has written nothing: else a client that tries all night would explain what a job does by night. */
const isTaken = ({ status }: HeardWrite): boolean => status < 400 || status >= 500;

const mayMake = ({ capability, op }: SurveyedChange, write: HeardWrite): boolean =>
  !write.readOnly && (write.capability === capability || (write.capability !== null && op === 'insert'));

/** How far a write is from this stretch, ms; 0: it was under way. */
const distance = ({ began, ended }: HeardWrite, { from, to }: Stretch): number =>
  Math.max(0, began - to, ended === null ? 0 : from - ended);

/** `user`: the row’s; undefined if it is everybody’s. */
function suspectOf({ capability }: SurveyedChange, user: string | undefined, write: HeardWrite): Suspect {
  if (user === undefined)
    return { relation: write.capability === capability ? 'read-only' : 'elsewhere', route: write.route };
  const named = write.users[capability];
  const isOwn = named !== undefined && 'user' in named && named.user === user;
  return { relation: isOwn ? ownRelation(write) : relation(capability, write), route: write.route };
}

function ownRelation({ capability, readOnly }: HeardWrite): SurveyCause {
  if (capability === null) return 'unrouted';
  return readOnly ? 'read-only' : 'other-capability';
}

function relation(wanted: string, { capability, users }: HeardWrite): SurveyCause {
  if (capability !== wanted) return 'elsewhere';
  return 'user' in (users[wanted] ?? {}) ? 'other-user' : 'without-user';
}
