import type { Moving, Ownership } from './ownership.ts';
import type { Side } from './words.ts';

/** The stream a proxy holds open to control: a WebSocket at this path, JSON text messages, bearer token of role proxy. */
export const LINK_PATH = '/link';

/** What a proxy decides with: one immutable picture of every capability. */
export type Snapshot = {
  /** Of the lease of the control that made it: greater than every earlier one, so an overtaken control is recognised. */
  readonly term: number;
  /** Grows with every snapshot of one term. */
  readonly version: number;
  readonly capabilities: Readonly<Record<string, CapabilitySnapshot>>;
};

/** Ownership of one capability and, while users are being handed over, who moves. */
export type CapabilitySnapshot = Ownership & { readonly moving?: Moving };

/** What the requests of one user came to; the user is a hash. */
export type UserCounts = readonly [user: number, requests: number, errors: number, hard: number];

/** What the requests of one capability to one side came to since the last message. */
export type Counts = {
  readonly capability: string;
  readonly side: Side;
  /** Requests that ended, but for those that ended by their client’s fault or the proxy’s own: these say nothing about the side; and for those without a user. */
  readonly requests: number;
  /** Answers 5xx, and everything in `hard`: the side's fault. */
  readonly errors: number;
  /** Refused, reset, no answer in time, or an answer that is not HTTP: the side could not be talked to. */
  readonly hard: number;
  /** Answers 4xx: the client's fault. */
  readonly clientErrors: number;
  /** Sum of milliseconds to the answer's head. */
  readonly latency: number;
  /** The same by user, without clientErrors, of MOST_TOLD_APART, those with errors first: the judge must know what one user alone meets. Absent: not told apart. */
  readonly users?: readonly UserCounts[];
  /** Users whose writes the service acknowledged; of the monolith nobody asks. */
  readonly writers: readonly string[];
};

/** Why a request of a capability has no user: it names none, one that cannot be read, or one that cannot be found out just now. */
export const LACKS = ['absent', 'unreadable', 'unknown'] as const;
export type Lack = (typeof LACKS)[number];

/** Requests, and those among them without a user, by why. */
export type IdentityCounts = { readonly requests: number } & Readonly<Record<Lack, number>>;

/** How many of these requests had no user. */
export const withoutUserIn = (counts: IdentityCounts): number => LACKS.reduce((sum, lack) => sum + counts[lack], 0);

/** What the requests of one capability have said of their users since the last message. */
export type Identified = {
  readonly capability: string;
  readonly reads: IdentityCounts;
  readonly writes: IdentityCounts;
  /** Why the newest one could not be read; never a value of a request. */
  readonly why?: string;
};

/** The same of the last ten minutes. */
export type WithoutUser = Omit<Identified, 'capability'>;

/** How comparing one pair of replies ended. Only the first three enter a rate; the rest stand beside it. */
export const COMPARED = [
  'equal',
  'equal-by-rule',
  'mismatch',
  'not-comparable',
  'candidate-error',
  'candidate-timeout',
  'dropped',
  'truncated',
] as const;
export type ComparedAs = (typeof COMPARED)[number];

/** Results by route, and differences grouped by route, kind and path: what compare’s tally is sent and kept as. */
export type ComparedTally = {
  readonly routes: readonly ComparedRoute[];
  /** Most severe first, then most frequent. */
  readonly groups: readonly DifferenceGroup[];
  /** Differences in no group, because there were too many groups. */
  readonly ungrouped: number;
};
export type ComparedRoute = {
  /** `GET /api/orders/{id}`. */
  readonly route: string;
  readonly counts: Readonly<Record<ComparedAs, number>>;
  /** Replies that enter the rate. */
  readonly comparable: number;
  readonly mismatches: number;
  /** Of the comparable, 0…1; absent of none. */
  readonly rate?: number | undefined;
};
export type DifferenceGroup = {
  /** The same for the same route, kind and path. */
  readonly id: string;
  readonly route: string;
  readonly kind: 'status' | 'header' | 'type' | 'format' | 'value' | 'missing' | 'extra' | 'order';
  /** `$.items[*].total`, `headers.location` or `status`. */
  readonly path: string;
  readonly severity: 'high' | 'medium' | 'low';
  /** Replies it was found in. */
  readonly pairs: number;
  readonly differences: number;
  readonly place?: string | undefined;
  /** The first few as they were seen, secrets taken out: `at` the target, `old` the monolith’s value. */
  readonly samples: readonly {
    readonly at?: string | undefined;
    readonly place: string;
    readonly old?: string | undefined;
    readonly new?: string | undefined;
  }[];
  readonly numbers?: { readonly minimum: number; readonly maximum: number } | undefined;
  readonly milliseconds?: number | undefined;
};

/** A rule of the Plan’s file and what it excused. */
export type ToldRuleUse = {
  readonly rule: { readonly id: string };
  /** Pairs of replies in its scope. */
  readonly pairs: number;
  readonly hits: number;
  /** `kind path` of what it excused → how often. */
  readonly excused: Readonly<Record<string, number>>;
};

/** What comparing the replies of one capability came to. */
export type Comparison = {
  readonly capability: string;
  /** Old against new. */
  readonly replies: ComparedTally;
  /** The monolith against itself. */
  readonly noise: ComparedTally;
  /** Ids of the groups of `noise` that were there again in a third reply. */
  readonly again: readonly string[];
  readonly rules: readonly ToldRuleUse[];
};

/** Writes of the moving users that control must wait for. */
export type Flight = {
  readonly capability: string;
  readonly epoch: number;
  /** Writes sent to the old side and not answered yet. */
  readonly inFlight: number;
  /** Milliseconds until the youngest write of unknown fate is old enough; 0 if there is none. */
  readonly unknownFor: number;
  /** Whose writes are in flight; empty if these are more than MOST_NAMED. */
  readonly inFlightOf: readonly string[];
  /** Whose writes are of unknown fate; empty if these are more than MOST_NAMED, or may be anybody. */
  readonly unknownOf: readonly string[];
};

/** Of more users the requests since the last message are not told apart: of so many they are sample enough. */
export const MOST_TOLD_APART = 200;

/** Whom a request names by the sources of one capability, or why nobody; `why` is never a value of the request. */
export type NamedUser = { readonly user: string } | { readonly lack: Lack; readonly why: string };

/**
 * A request that may write, as a proxy saw it while a survey runs: told while it is under way, and again when it has ended.
 */
export type SurveyedWrite = {
  /** Of this process of the proxy. */
  readonly id: number;
  /** The capability whose route it takes; null: it takes none, and goes to the monolith for ever. */
  readonly capability: string | null;
  /** `POST /api/articles/{slug}/comments`. */
  readonly route: string;
  /** The Plan says that it writes nothing. */
  readonly readOnly: boolean;
  /** By capability, whose it is as that one reads requests. */
  readonly users: Readonly<Record<string, NamedUser>>;
  /** Milliseconds since 1970, by the proxy’s clock; `ended` is null while it is under way. */
  readonly began: number;
  readonly ended: number | null;
  /** Of its answer; 0 if there was none. */
  readonly status: number;
};

/** Writes a proxy tells of in one message: as long as users and routes may be, it is smaller than control takes (1 MiB). */
export const MOST_SURVEYED = 100;
/** Longest name of a route in a survey, characters. */
export const LONGEST_ROUTE = 300;

/** More users than these are not named in a flight: then something else is wrong than the writes of a few. */
export const MOST_NAMED = 16;

/** Close code of the link by which a proxy says: I stop, and none of my writes is under way any more. */
export const GOODBYE_CODE = 1_000;
/** Close code for a proxy whose name another one uses now. */
export const NAME_TAKEN_CODE = 4_009;

/** Up: from a proxy to control. */
export type FromProxy =
  /** `process` names this life of the proxy: another process of the same name does not know the writes of this one. */
  | { readonly type: 'hello'; readonly proxy: string; readonly pid: number; readonly process?: string }
  /** The snapshot is in force: new writes of moving users are held, and these are the old ones still under way. */
  | { readonly type: 'ack'; readonly term: number; readonly version: number; readonly flights: readonly Flight[] }
  /** A write that a handoff waits for has ended, and at most MOST_NAMED are left. */
  | { readonly type: 'flight'; readonly flight: Flight }
  | { readonly type: 'counts'; readonly counts: readonly Counts[] }
  | { readonly type: 'identified'; readonly identified: readonly Identified[] }
  /** While a survey runs, at least every second: writes begun or ended since; `at` is the proxy’s clock, `dropped` had no room. */
  | {
      readonly type: 'surveyed';
      readonly at: number;
      readonly writes: readonly SurveyedWrite[];
      readonly dropped: number;
    }
  /** Since the last message. */
  | { readonly type: 'compared'; readonly comparison: Comparison }
  /**
   * Is everything this user has written on a side on the other one too? Answered once, when it is; if it is `theirs`,
   * never once the user is not that side’s any more.
   */
  | {
      readonly type: 'confirm';
      readonly capability: string;
      readonly id: number;
      readonly user: string;
      readonly from: Side;
      readonly theirs: boolean;
    };

/** Down: from control to a proxy. */
export type FromControl =
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  /** This question of this proxy is answered with yes. */
  | { readonly type: 'confirmed'; readonly id: number }
  /** A survey runs: tell of every write for so many milliseconds from now. */
  | { readonly type: 'survey'; readonly for: number };
