import type { Cause } from './causes.ts';
import type { WithoutUser } from './link.ts';
import type { Direction } from './names.ts';
import type { Moving } from './ownership.ts';
import type { Surveyed } from './survey.ts';
import type { Side, Subject } from './words.ts';

/*
 * The admin API of control: JSON over HTTP, `Authorization: Bearer <token>`.
 *   GET  /status                                   read     → Status
 *   GET  /records?capability=&after=&limit=        read     → { records: DecisionRecord[] }
 *   GET  /owner/:capability/:user                  read     → Owner
 *   POST /capabilities/:name/ramp   RampRequest    operate  → CapabilityStatus
 *   POST /capabilities/:name/set    SetRequest     operate  → CapabilityStatus (accepted: the boundary follows)
 *   POST /capabilities/:name/rollback RollbackRequest operate → CapabilityStatus
 *   POST /capabilities/:name/settle SettleRequest  admin    → CapabilityStatus
 *   POST /proxies/:name/dismiss     DismissRequest operate  → Status: that lost proxy does not run any more
 *   POST /survey                    SurveyRequest  operate  → SurveyAnswer: for cdc, while it surveys
 *   GET  /capabilities/:name/compared              read     → Comparison
 *   POST /capabilities/:name/compared/forget {}    operate  → CapabilityStatus
 *   GET  /metrics (Prometheus), GET /health        no token
 * A POST with an `Idempotency-Key` (at most 255 characters) has one effect within 24 hours, whichever control hears it;
 * the same key with another path or body is 422. A dismissal with a key needs a `loss`, which binds it for good.
 * Errors: { error: { code, message, correlationId } } with 400, 401, 403, 404, 409, 422, 503.
 */

/** Starts (from the next step above the boundary), pauses or resumes a ramp. */
export type RampRequest = { action: 'start' | 'pause' | 'resume'; steps?: number[]; dwell?: string };
/** Wants a percentage (0…100, steps of 0.01), or pins one user to a side; `side: null` lifts the pin. */
export type SetRequest = { percentage: number; reason?: string } | { user: string; side: Side | null; reason?: string };
/** Takes everybody back to the monolith: slice by slice, or at once and without drain. */
export type RollbackRequest = { now?: boolean; reason?: string };
/** Gives up the service’s database for good: what it had acknowledged and not handed over counts as lost. */
export type SettleRequest = { lost: true; reason: string };
/**
 * Says that a lost proxy does not run any more, so that nobody waits for it. `loss` names the one that was seen
 * (ProxyStatus): of a proxy that has linked since, or is missed by another control, it is refused (409).
 */
export type DismissRequest = { loss?: string; reason?: string };
/** Users given back to the monolith by force, while the service’s database cannot say what it had acknowledged. */
export type Unproven = {
  readonly epoch: number;
  readonly subject: Subject;
  /** ISO 8601. */
  readonly since: string;
  /** Users with writes the service acknowledged shortly before, which may not have arrived; at most 1,000, `more` are not named. */
  readonly atRisk: readonly string[];
  readonly more: number;
};
/** Who owns a user. */
export type Owner = { capability: string; user: string; bucket: number; side: Side; moving: boolean };

/** What the ramp of a capability is doing. */
export type RampState =
  | { readonly state: 'idle' }
  | { readonly state: 'ramping'; readonly steps: readonly number[]; readonly step: number; readonly since: string }
  | { readonly state: 'paused'; readonly reason: string; readonly steps: readonly number[]; readonly step: number }
  | { readonly state: 'complete' }
  | { readonly state: 'rolling-back'; readonly reason: string; readonly urgent: boolean }
  | { readonly state: 'rolled-back'; readonly reason: string };

/** What the judge says of the present step. */
export type Verdict = { readonly verdict: 'pass' | 'fail' | 'unsure'; readonly rule: string; readonly reason: string };

/** One direction of the sync as cdc last reported it. */
export type StreamStatus = {
  readonly stream: string;
  readonly direction: Direction;
  readonly state: 'starting' | 'backfilling' | 'running' | 'waiting' | 'stalled' | 'stopped' | 'unknown';
  readonly reason?: string;
  /** Milliseconds from a commit on the source to its effect on the target; null is infinite or unknown. */
  readonly lag: number | null;
};

/** How far the copy of existing rows has come. */
export type BackfillStatus = {
  readonly table: string;
  readonly done: number;
  readonly total: number;
  readonly finished: boolean;
};

/** How many rows one direction of the sync has kept for one cause. */
export type CauseCount = {
  readonly direction: Direction;
  readonly cause: Cause;
  readonly rows: number;
  /** Those of them that wait for a decision. */
  readonly open: number;
  /** Those of them that neither wait for a decision nor were called expected; 0 for causes that need nobody's word. */
  readonly unexpected: number;
  /** The newest of those. */
  readonly sample?: { readonly entry: string; readonly row: string; readonly user: string | null };
};

/** One capability as `strangler status` shows it. */
export type CapabilityStatus = {
  readonly capability: string;
  /** Where users are: 0…10000. */
  readonly boundary: number;
  /** Where they are going; equal to boundary at rest. */
  readonly target: number;
  /** What the flag says, 0…100; null if it cannot be read. */
  readonly flag: number | null;
  readonly epoch: number;
  readonly phase: 'idle' | 'holding' | 'flipped';
  readonly moving?: Moving;
  /** Users an operator has pinned to a side. */
  readonly pins: number;
  /** Users left where they were because a write of theirs was under way when their range moved; they follow by themselves. */
  readonly behind: number;
  /** Who was moved by force and is not proven yet; users move forward again when it is empty. */
  readonly unproven: readonly Unproven[];
  readonly ramp: RampState;
  readonly verdict: Verdict;
  /** Why the flag, as it stands at its source, is not followed. */
  readonly flagProblem?: string;
  /** What keeps users from moving forward; empty if nothing does. */
  readonly gates: readonly string[];
  /** What the move that is wanted now waits for, forward or back; empty if nothing moves or nothing is in its way. */
  readonly waitsFor: readonly string[];
  /** Requests of the last ten minutes, and those among them that had no user. */
  readonly withoutUser: WithoutUser;
  readonly streams: readonly StreamStatus[];
  readonly backfill: readonly BackfillStatus[];
  readonly quarantine: { readonly open: number; readonly settled: number };
  /** What the sync has overwritten, superseded or applied late since it was set up, by direction and cause. */
  readonly corrections: readonly CauseCount[];
  /** `mismatches`: rows that differ, orphans on either side, and values that are there twice. */
  readonly verified?: { readonly at: string; readonly rows: number; readonly mismatches: number };
  /** The last survey; absent: none yet. */
  readonly surveyed?: Surveyed;
};

/** One registered proxy. */
export type ProxyStatus = {
  readonly proxy: string;
  /** Of the process last linked; null if none was linked to the active control yet. */
  readonly pid: number | null;
  readonly connected: boolean;
  /** Milliseconds since its link was lost, while it is: it may be sending writes by what it last knew. Null while connected. */
  readonly lostFor: number | null;
  /** Names that loss; every other one, and the same under another control, has another name. Absent while connected. */
  readonly loss?: string;
};

/** The whole picture. */
export type Status = {
  readonly plan: string;
  readonly control: { readonly life: string; readonly since: string; readonly active: boolean };
  readonly proxies: readonly ProxyStatus[];
  readonly capabilities: readonly CapabilityStatus[];
};

/** One transition and everything it was decided on; replaying `inputs` gives the same verdict. */
export type DecisionRecord = {
  readonly id: number;
  readonly at: string;
  readonly capability: string;
  readonly event: string;
  readonly actor: string;
  readonly reason: string;
  readonly inputs: unknown;
};
