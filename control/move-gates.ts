import { type Capability, sayDuration, sideOf } from '@strangler/plan';
import type { Comparisons } from './comparisons.ts';
import { correctionGates } from './corrections.ts';
import { gatesOf } from './gates.ts';
import { type HandoffParts, saySubject } from './handoff-parts.ts';
import { isFullOfNames, type Move } from './handoff-state.ts';
import type { Identities } from './identities.ts';
import { lostProxies, unknownFor } from './readiness.ts';
import type { CapabilityState } from './state.ts';
import { surveyGates } from './survey-gate.ts';
import type { SyncWatch } from './sync-watch.ts';

/** What the gates are asked of. */
type Parts = {
  readonly name: string;
  readonly plan: Capability;
  readonly sync: SyncWatch | undefined;
  readonly proxies: HandoffParts['proxies'];
  readonly comparisons: Comparisons;
  readonly identities: Identities;
  /** Since when this control has decided, if another one did before: writes sent under that one may be under way. */
  readonly restartedAt: number;
};

/** The gates at one moment, each a sentence. */
export type Gates = {
  /** What keeps users from moving forward. */
  readonly forward: readonly string[];
  /** What keeps a move from beginning; nothing keeps an urgent one. */
  readonly of: (move: Move) => readonly string[];
};

/** The gates of one capability. */
export class MoveGates {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Looks at all of them, once. */
  look(state: CapabilityState): Gates {
    const inOrder = this.#inOrder();
    const forward = [...this.#forward(state), ...inOrder];
    return { forward, of: (move) => (move.urgent ? [] : isForward(state, move) ? forward : inOrder) };
  }

  /** What keeps users from moving forward, and nobody from moving back. */
  #forward(state: CapabilityState): string[] {
    const { lostAt, unproven } = state;
    const { sync, plan, name, comparisons, identities } = this.#parts;
    const gates = gatesOf(plan, sync?.latest(), sync ? performance.now() - sync.readAt() : 0, lostAt);
    gates.push(...surveyGates(name, plan, state, sync?.latest()));
    for (const { epoch, subject } of unproven) {
      const since = 'the service’s database has not confirmed it since';
      const lost = `if it is gone for good: strangler settle ${name} --lost`;
      gates.push(`${saySubject(subject)} came back by force (epoch ${epoch}), and ${since}; ${lost}`);
    }
    gates.push(...correctionGates(name, sync?.latest()?.corrections ?? []));
    gates.push(...identities.gates(plan.guard.withoutUser, performance.now()));
    if (plan.compare.share > 0) gates.push(...comparisons.gates(plan.compare.limit));
    return gates;
  }

  /** What keeps users from moving in order, forward or back: proxies that cannot be asked about their writes. */
  #inOrder(): string[] {
    const { proxies, plan, restartedAt } = this.#parts;
    const now = performance.now();
    const lost = lostProxies(proxies.views());
    const gates = lost.map(({ proxy, lostAt }) => {
      const may = `proxy ${proxy} has had no link for ${sayDuration(now - lostAt)} and may be sending writes by what it last knew`;
      return `${may}; bring it back, or if it does not run any more: strangler proxies dismiss ${proxy}`;
    });
    const { writeFate } = plan.handoff;
    const unknown = Math.max(unknownFor(proxies.views(), writeFate, now), restartedAt + writeFate - now);
    if (unknown > 0 && !lost.length) {
      const why = 'a proxy that is no more, or the control before this one, had writes under way; they may arrive for';
      gates.push(`${why} ${sayDuration(unknown)} more`);
    }
    return gates;
  }
}

/**
 * What the moves that are wanted wait for; nothing if one of them may begin. `isHeldByUsers`: true of a move whose
 * last try failed because writes of users were under way.
 */
export function waitsFor(
  state: CapabilityState,
  gates: Gates,
  moves: readonly Move[],
  isHeldByUsers: (move: Move) => boolean,
): readonly string[] {
  const [first] = moves;
  if (!first) return [];
  const open = moves.filter((move) => !gates.of(move).length);
  if (!open.length) return gates.of(first);
  if (!isFullOfNames(state) || !open.every(isHeldByUsers)) return [];
  return ['writes under way: so many users are known by name that no more are left behind'];
}

/** True of a move that takes somebody to the service who is not there. */
const isForward = (state: CapabilityState, { subject: { lo, user }, to }: Move): boolean =>
  to === 'service' && (user === undefined || sideOf(state, user, lo) !== to);
