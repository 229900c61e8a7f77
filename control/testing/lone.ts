import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HandoffRow } from '@strangler/ledger';
import { type CapabilitySnapshot, type Flight, parsePlan } from '@strangler/plan';
import pino from 'pino';
import { CapabilityControl } from '../capability.ts';
import { fileStores } from '../file-store.ts';
import { Notify } from '../notify.ts';
import type { HandoffSides } from '../sides.ts';
import { type CapabilityState, initialState } from '../state.ts';
import type { Store } from '../store.ts';
import { StoredState } from '../stored-state.ts';
import { type Notice, Webhook } from '../webhook.ts';
import { quiet } from './proxy.ts';

const LIMITS = { slice: 10_000, hold: '500ms', writeFate: '300ms', forceAfter: '300ms' };

/** A webhook that keeps the events it is told. */
class Heard extends Webhook {
  readonly #told: string[];
  constructor(told: string[]) {
    super(undefined, () => {});
    this.#told = told;
  }
  override tell({ event }: Notice): void {
    this.#told.push(event);
  }
}

/** The control of one capability, `shop`, alone: its state in a file, one proxy that answers at once, a flag that follows. */
export class Lone {
  readonly control: CapabilityControl;
  readonly cell: StoredState;
  readonly #folder: string;
  readonly #stopping: AbortController;

  private constructor(folder: string, cell: StoredState, control: CapabilityControl, stopping: AbortController) {
    this.#folder = folder;
    this.cell = cell;
    this.control = control;
    this.#stopping = stopping;
  }

  /** `over` stands between control and its store, service and proxy; `told` is what the webhook hears. */
  static async start(
    over: {
      store?: (store: Store) => Store;
      sides?: HandoffSides;
      flight?: (flight: Flight, moving: NonNullable<CapabilitySnapshot['moving']>) => Flight;
      told?: string[];
    } = {},
  ): Promise<Lone> {
    const folder = await mkdtemp(join(tmpdir(), 'lone-'));
    const plan = parsePlan(
      JSON.stringify({
        ...{ version: 1, name: 'test', monolith: { url: 'http://127.0.0.1:1' } },
        flags: { file: join(folder, 'flags.json') },
        control: {
          ...{ listen: '127.0.0.1:0', state: join(folder, 'state.json') },
          tokens: { read: 'read-token', operate: 'operate-token', admin: 'admin-token', proxy: 'proxy-token' },
        },
        capabilities: {
          shop: {
            ...{
              service: { url: 'http://127.0.0.1:2' },
              routes: ['ANY /shop/**'],
              user: [{ header: 'x-user' }],
              anonymous: 'monolith',
            },
            handoff: LIMITS,
          },
        },
      }),
      {},
    ).capabilities.shop!;
    const { store } = await fileStores(join(folder, 'state.json'));
    const cell = new StoredState('shop', over.store?.(store) ?? store, initialState(0));
    const stopping = new AbortController();
    const words = new Notify();
    let shown: CapabilitySnapshot | undefined;
    let version = 0;
    const views = () => {
      const moving = shown?.moving;
      const flights = moving ? [(over.flight ?? ((flight) => flight))(quiet('shop', moving.epoch), moving)] : [];
      const linked = { pid: 1, lostAt: undefined, dismissed: false, inheritsUntil: 0 };
      return [{ proxy: 'p1', ...linked, acked: version, flights }];
    };
    const publish = () => {
      shown = control.snapshot();
      queueMicrotask(() => words.wake());
      return ++version;
    };
    let flag = 0;
    const control: CapabilityControl = new CapabilityControl({
      ...{ name: 'shop', group: 'test', plan },
      handoffs: {
        ...{ cell, proxies: { views, publish, activity: words }, sides: over.sides, limits: plan.handoff },
        ...{ onError: () => {}, stopping: stopping.signal },
      },
      sync: undefined,
      flags: {
        read: () => ({ percentage: flag, age: 0 }),
        problem: () => undefined,
        onChange: () => () => {},
        write: async (_, percentage) => {
          flag = percentage;
        },
        create: async () => {},
        stop: async () => {},
      },
      webhook: new Heard(over.told ?? []),
      now: async () => new Date().toISOString(),
      log: pino({ level: process.env.LOG ?? 'silent' }),
      onMoved: () => {},
      onSuperseded: () => {},
    });
    control.start();
    return new Lone(folder, cell, control, stopping);
  }

  /** What an operator asks for. */
  set = (percentage: number) =>
    this.control.transition(() => ({ type: 'set', percentage, reason: 'a test' }), { actor: 'operate' });

  /** The first state for which the condition holds; throws after `ms`. */
  async until(what: string, holds: (state: CapabilityState) => boolean, ms = 60_000): Promise<CapabilityState> {
    const end = performance.now() + ms;
    while (!holds(this.cell.current)) {
      if (performance.now() > end) throw new Error(`waited in vain: ${what}: ${JSON.stringify(this.cell.current)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this.cell.current;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.control.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Both databases as a handoff sees them: everything arrives at once, and the service's may be away. */
export class TestSides implements HandoffSides {
  away = false;
  /** `3 barrier`: what is in the service's log. */
  readonly log: string[] = [];
  write = async (...rows: HandoffRow[]) => {
    await this.#answer();
    this.log.push(...rows.map(({ epoch, kind }) => `${epoch} ${kind}`));
  };
  has = async () => false;
  arrived = async () => true;
  free = async () => {};
  tick = async (side: string) => {
    if (side === 'service') await this.#answer();
    return 1;
  };
  proven = async () => 1;
  passed = async () => true;
  async #answer(): Promise<void> {
    if (this.away) throw new Error('connect ECONNREFUSED');
  }
}
