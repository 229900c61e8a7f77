import type { FlagStore } from '@strangler/flags';
import type { CapabilitySnapshot, Plan } from '@strangler/plan';
import { groupOf } from '@strangler/plan';
import type { Logger } from 'pino';
import { underPlan } from './as-one.ts';
import { CapabilityControl } from './capability.ts';
import { openDatabases, type Stores } from './databases.ts';
import { guardedSides, guardedStore } from './guarded.ts';
import type { Lease } from './lease.ts';
import { type Hears, ProxyLinks } from './link.ts';
import type { Meters } from './metrics.ts';
import { Registry } from './registry.ts';
import { sidesOf } from './sides.ts';
import { type CapabilityState, fromRow, initialState } from './state.ts';
import type { Store } from './store.ts';
import { StoredState, SupersededError } from './stored-state.ts';
import { SurveyRelay } from './survey-relay.ts';
import { watchSync } from './sync-watch.ts';
import { Webhook } from './webhook.ts';

const JUDGE_MS = 100;

/** Control while it holds the lease. */
export type Active = {
  readonly link: ProxyLinks;
  readonly survey: SurveyRelay;
  readonly capabilities: ReadonlyMap<string, CapabilityControl>;
  /**
   * Finishes or cancels handoffs and closes the streams. Safe to call twice. `lost`: the lease is, so the streams are
   * closed first, and nothing is finished any more.
   */
  readonly stop: (lost?: 'lost') => Promise<void>;
};

/** What it takes to become active. */
export type ActiveParts = {
  readonly plan: Plan;
  readonly stores: Omit<Stores, 'leases'>;
  readonly lease: Lease;
  readonly flags: FlagStore;
  readonly meters: Meters;
  readonly log: Logger;
  /** Another control has taken over. */
  readonly onSuperseded: (error: Error) => void;
};

/** Reads the stored state and goes on from there. Throws when it cannot be read, or is missing although it must exist. */
export async function activate(parts: ActiveParts): Promise<Active> {
  const { plan, stores, lease, flags, log } = parts;
  const store = guardedStore(stores.store, lease);
  const databases = openDatabases(plan);
  const read = () => Promise.all([readStates(plan, store, databases.highestEpoch), stores.proxies.names()]);
  const [states, names] = await read().catch(async (error: unknown) => {
    await databases.close();
    throw error;
  });
  const capabilities = new Map<string, CapabilityControl>();
  const stopping = new AbortController();
  const onError = (error: unknown) => log.warn({ err: error }, 'temporary failure; retrying');
  const webhook = new Webhook(plan.control.webhook, onError);
  const snapshot = () => {
    const entries = [...capabilities].map(([name, control]): [string, CapabilitySnapshot] => [
      name,
      control.snapshot(),
    ]);
    return Object.fromEntries(entries);
  };
  const hears: Hears = {
    onCounts: (counts) => {
      const known = capabilities.get(counts.capability);
      if (!known) return;
      known.count(counts);
      parts.meters.count(counts);
    },
    onIdentified: (identified) =>
      capabilities.get(identified.capability)?.identities.add(identified, performance.now()),
    onCompared: (comparison) => capabilities.get(comparison.capability)?.comparisons.add(comparison),
    onAsk: (capability, ask) => capabilities.get(capability)?.confirm(ask),
    onRefused: (proxy, why) => {
      parts.meters.refused();
      log.warn({ proxy, why }, 'a message of a proxy was refused');
    },
  };
  const registry = new Registry({
    store: stores.proxies,
    ...{ term: lease.term, names, onError },
    writeFate: Math.max(...Object.values(plan.capabilities).map(({ handoff }) => handoff.writeFate)),
    superseded: () => parts.onSuperseded(new SupersededError('another control has taken over the lease')),
  });
  const survey = new SurveyRelay();
  const link = new ProxyLinks({ snapshot, hears, registry, survey, term: lease.term, check: () => lease.check() });
  const cells: StoredState[] = [];
  for (const [name, capability] of Object.entries(plan.capabilities)) {
    const mine = databases.of(name);
    const cell = new StoredState(name, store, states.get(name)!);
    cells.push(cell);
    const control = new CapabilityControl({
      name,
      group: groupOf(plan, name),
      plan: capability,
      handoffs: {
        cell,
        proxies: link,
        sides: mine && guardedSides(sidesOf(name, mine), lease),
        limits: capability.handoff,
        onError,
        stopping: stopping.signal,
      },
      sync: mine && watchSync(name, mine.report),
      flags,
      now: stores.store.now,
      webhook,
      log,
      onMoved: ({ pauseMs }) => parts.meters.pause(name, pauseMs),
      onSuperseded: parts.onSuperseded,
    });
    capabilities.set(name, control);
  }
  let judging: NodeJS.Timeout | undefined;
  const stop = async (lost?: 'lost') => {
    clearInterval(judging);
    stopping.abort();
    if (lost) await link.stop();
    webhook.stop();
    await Promise.all([...capabilities.values()].map((control) => control.stop()));
    await link.stop();
    await databases.close();
  };
  // Before proxies are told anything: a control that does not know yet that it was overtaken can move nobody any more,
  // and whoever comes next sees that somebody was here before.
  try {
    await Promise.all(cells.map((cell) => cell.fence()));
    link.publish();
  } catch (error) {
    await stop();
    throw error;
  }
  for (const control of capabilities.values()) control.start();
  judging = setInterval(() => {
    for (const control of capabilities.values()) void control.tick();
  }, JUDGE_MS);
  return { link, survey, capabilities, stop };
}

async function readStates(
  plan: Plan,
  store: Store,
  highestEpoch: (capability: string) => Promise<number>,
): Promise<Map<string, CapabilityState>> {
  const rows = new Map((await store.read()).map((row) => [row.capability, row]));
  const states = new Map<string, CapabilityState>();
  for (const [name, capability] of Object.entries(plan.capabilities)) {
    const row = rows.get(name);
    if (!row && (await highestEpoch(name)) > 0) {
      const next = 'restore that table from a backup';
      throw new Error(`the log knows handoffs of ${name}, but its state is gone from strangler_state; ${next}`);
    }
    const state = row ? fromRow(row) : initialState(capability.ramp.dwell);
    states.set(name, underPlan(name, capability, state));
  }
  return states;
}
