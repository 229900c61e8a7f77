import type { Moving, Subject } from '@strangler/plan';
import type { AtRisk } from './handoff-state.ts';
import type { Notify } from './notify.ts';
import { lostProxies, type ProxyView } from './readiness.ts';
import type { HandoffSides } from './sides.ts';
import type { NewRecord } from './store.ts';
import type { StoredState } from './stored-state.ts';

/** The proxies, as a handoff sees them. */
export interface Proxies {
  views(): readonly ProxyView[];
  /** Sends everybody a snapshot of the present state and gives its version. */
  publish(): number;
  /** Notified on every proxy message. */
  readonly activity: Notify;
}

/** What one capability’s handoffs work with. `sides` is undefined when no tables move: then nothing needs to arrive. */
export type HandoffParts = {
  readonly cell: StoredState;
  readonly proxies: Proxies;
  readonly sides: HandoffSides | undefined;
  /** Of the Plan, ms. */
  readonly limits: { readonly hold: number; readonly forceAfter: number; readonly writeFate: number };
  /** Users among these who have written on the service so lately that it may not have arrived. */
  readonly atRisk: (subject: Subject) => AtRisk;
  /** The moving users are to be shown as moved: the next snapshot releases them. */
  readonly release: (epoch: number) => void;
  /** Called with errors that are retried. */
  readonly onError: (error: unknown) => void;
  /** Aborts when control stops. */
  readonly stopping: AbortSignal;
};

/** Milliseconds of one handoff; `pause` is what a held write waits at most. */
export type Timings = {
  readonly holdMs: number;
  readonly drainMs: number;
  readonly arrivalMs: number;
  readonly pauseMs: number;
};

/**
 * How a handoff ended; a cancelled one may be tried again after `retryIn` ms, if that is known, and at once without
 * `users`, if only their writes were in the way.
 */
export type HandoffOutcome =
  | { readonly done: true; readonly timings: Timings }
  | { readonly done: false; readonly reason: string; readonly retryIn?: number; readonly users?: readonly string[] };

/** Before a database that failed is asked again, ms. */
export const RETRY_MS = 200;

/** The timings of a handoff of which only the pause is known. */
export const since = (held: number): Timings => ({
  holdMs: 0,
  drainMs: 0,
  arrivalMs: 0,
  pauseMs: performance.now() - held,
});

/** `8 % to 9 %`, or `user 7`. */
export const saySubject = ({ lo, hi, user }: Subject): string =>
  user === undefined ? `${lo / 100} % to ${hi / 100} %` : `user ${user}`;

/** `8 % to 9 % to the service`. */
export const sayMove = ({ subject, to }: Moving): string => `${saySubject(subject)} to the ${to}`;

/** For the record of a handoff that waits for no proxy: which of them may still be sending writes to the old side. */
export function unaccounted(proxies: Proxies): { readonly lostProxies?: readonly string[] } {
  const lost = lostProxies(proxies.views()).map(({ proxy }) => proxy);
  return lost.length ? { lostProxies: lost } : {};
}

/** The decision record of how a handoff ended. */
export const record = (
  capability: string,
  moving: Moving,
  event: string,
  reason: string,
  inputs: object,
): NewRecord => ({
  capability,
  event,
  actor: 'control',
  reason,
  inputs: { epoch: moving.epoch, subject: moving.subject, from: moving.from, to: moving.to, ...inputs },
});
