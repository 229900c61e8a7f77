import { type Capability, type CapabilityStatus, undeclaredIn, type Verdict, type WithoutUser } from '@strangler/plan';
import type { SyncReport } from './gates.ts';
import type { CapabilityState } from './state.ts';
import { isWanted } from './wanted.ts';

/** Everything an operator asks about, beside the stored state. */
type About = {
  readonly name: string;
  readonly tables: Capability['tables'];
  readonly flag: number | null;
  readonly flagProblem: string | undefined;
  readonly verdict: Verdict;
  readonly gates: readonly string[];
  readonly waitsFor: readonly string[];
  readonly report: SyncReport | undefined;
  readonly withoutUser: WithoutUser;
};

/** What `strangler status` shows of a capability. */
export function statusOf(state: CapabilityState, about: About): CapabilityStatus {
  const { name, flag, flagProblem, verdict, gates, waitsFor, report, withoutUser } = about;
  const verified = report?.verified;
  const surveyed = report?.surveyed;
  const unexplained = surveyed
    ? undeclaredIn(about.tables, surveyed.detail).reduce((sum, { count }) => sum + count, 0)
    : 0;
  const desired = Object.values(state.desired);
  return {
    capability: name,
    boundary: state.boundary,
    target: state.target,
    flag,
    ...(flagProblem && { flagProblem }),
    epoch: state.epoch,
    phase: state.phase,
    ...(state.moving && { moving: state.moving }),
    unproven: state.unproven.map(({ owed: _, ...unproven }) => unproven),
    pins: desired.filter(isWanted).length,
    behind: desired.filter((where) => where === 'behind').length,
    ramp: state.ramp,
    verdict,
    gates,
    waitsFor,
    withoutUser,
    streams: (report?.streams ?? []).map(({ silent: _, ...stream }) => stream),
    backfill: report?.backfill ?? [],
    quarantine: report?.quarantine ?? { open: 0, settled: 0 },
    corrections: report?.corrections ?? [],
    ...(verified && { verified: { at: verified.at, rows: verified.rows, mismatches: verified.mismatches } }),
    ...(surveyed && { surveyed: { at: surveyed.at, changes: surveyed.changes, unexplained } }),
  };
}
