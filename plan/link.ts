import type { Moving, Ownership } from './ownership.ts';
import type { Side } from './words.ts';

/** The stream a proxy holds open to control: a WebSocket at this path, JSON text messages, bearer token of role proxy. */
export const LINK_PATH = '/link';

/** What a proxy decides with: one immutable picture of every capability. */
export type Snapshot = {
  /** Names one life of control; versions of different lives do not compare. */
  readonly life: string;
  readonly version: number;
  readonly capabilities: Readonly<Record<string, CapabilitySnapshot>>;
};

/** Ownership of one capability and, while users are being handed over, who moves. */
export type CapabilitySnapshot = Ownership & { readonly moving?: Moving };

/** What the requests of one capability to one side came to since the last message. */
export type Counts = {
  readonly capability: string;
  readonly side: Side;
  /** Requests that ended, whoever's fault. */
  readonly requests: number;
  /** Answers 5xx, and everything in `hard`: the side's fault. */
  readonly errors: number;
  /** Refused, reset, no answer in time, or an answer that is not HTTP: the side could not be talked to. */
  readonly hard: number;
  /** Answers 4xx: the client's fault. */
  readonly clientErrors: number;
  /** Sum of milliseconds to the answer's head. */
  readonly latency: number;
  /** Users whose writes the service acknowledged; of the monolith nobody asks. */
  readonly writers: readonly string[];
};

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
export type Compared = (typeof COMPARED)[number];

/** Differences of one route that share kind and path, with the first few as they were seen, secrets taken out. */
export type DifferenceGroup = {
  readonly kind: string;
  readonly severity: string;
  /** `$.items[*].total`, `headers.location` or `status`. */
  readonly path: string;
  readonly count: number;
  readonly samples: readonly DifferenceSample[];
};
export type DifferenceSample = {
  readonly target: string;
  readonly at: string;
  /** Short texts of both values; null is absent. */
  readonly monolith: string | null;
  readonly service: string | null;
};

/** What comparing the replies of one route came to since the last message. */
export type Comparison = {
  readonly capability: string;
  /** `GET /api/orders/*`. */
  readonly route: string;
  readonly results: Readonly<Partial<Record<Compared, number>>>;
  readonly differences: readonly DifferenceGroup[];
};

/** Writes of the moving users that control must wait for. */
export type Flight = {
  readonly capability: string;
  readonly epoch: number;
  /** Writes sent to the old side and not answered yet. */
  readonly inFlight: number;
  /** Milliseconds until the youngest write of unknown fate is old enough; 0 if there is none. */
  readonly unknownFor: number;
};

/** Up: from a proxy to control. */
export type FromProxy =
  | { readonly type: 'hello'; readonly proxy: string; readonly pid: number }
  /** The snapshot is in force: new writes of moving users are held, and these are the old ones still under way. */
  | { readonly type: 'ack'; readonly life: string; readonly version: number; readonly flights: readonly Flight[] }
  /** The last write under way of a moving subject has ended. */
  | { readonly type: 'drained'; readonly flight: Flight }
  | { readonly type: 'counts'; readonly counts: readonly Counts[] }
  | { readonly type: 'compared'; readonly comparisons: readonly Comparison[] }
  /** Is everything this user has written on their side on the other one too? Answered once, when it is. */
  | {
      readonly type: 'confirm';
      readonly capability: string;
      readonly id: number;
      readonly user: string;
      readonly from: Side;
    };

/** Down: from control to a proxy. */
export type FromControl =
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  /** This question of this proxy is answered with yes. */
  | { readonly type: 'confirmed'; readonly id: number };
