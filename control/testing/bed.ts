import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FlagStore, openFlags } from '@strangler/flags';
import {
  type CapabilityStatus,
  type DecisionRecord,
  type Owner,
  type Plan,
  parsePlan,
  type Status,
} from '@strangler/plan';
import pino from 'pino';
import { type Control, startControl } from '../control.ts';
import { ControlProcess } from './process.ts';
import { TestProxy } from './proxy.ts';

/** Tokens of every test Plan. */
export const TOKENS = { read: 'read-token', operate: 'operate-token', admin: 'admin-token', proxy: 'proxy-token' };

/** What of the capability of beds says whose a request is. */
export const SHOP = { routes: ['ANY /shop/**'], user: [{ header: 'x-user' }] };

/** A control with its own flags file and state, its Plan made of what a test gives. */
export class Bed {
  readonly folder: string;
  readonly plan: Plan;
  readonly #written: object;
  flags!: FlagStore;
  control: Control | undefined;
  readonly #proxies: TestProxy[] = [];

  private constructor(folder: string, written: object) {
    this.folder = folder;
    this.#written = written;
    this.plan = parsePlan(JSON.stringify(written), {});
  }

  /** `over` is merged over a Plan of one capability, `shop`, without tables. */
  static async open(over: { monolith?: object; kafka?: object; control?: object; shop?: object } = {}): Promise<Bed> {
    const folder = await mkdtemp(join(tmpdir(), 'control-'));
    const plan = {
      version: 1,
      name: 'test',
      monolith: { url: 'http://127.0.0.1:1', ...over.monolith },
      ...(over.kafka && { kafka: over.kafka }),
      flags: { file: join(folder, 'flags.json') },
      control: { listen: '127.0.0.1:0', tokens: TOKENS, state: join(folder, 'state.json'), ...over.control },
      capabilities: {
        shop: {
          service: { url: 'http://127.0.0.1:2' },
          ...SHOP,
          anonymous: 'monolith',
          ...over.shop,
        },
      },
    };
    return new Bed(folder, plan);
  }

  async start(plan: Plan = this.plan): Promise<Control> {
    this.flags ??= await openFlags(plan, ['shop'], () => {});
    this.control = await startControl({ plan, flags: this.flags, log: pino({ level: process.env.LOG ?? 'silent' }) });
    return this.control;
  }

  /** Starts control as a process of its own. */
  async spawn(): Promise<ControlProcess> {
    const started = await ControlProcess.start(this.folder, this.#written);
    const stop = async () => {
      await started.stop();
    };
    this.control = { address: started.address, stop };
    return started;
  }

  /** A connected proxy. */
  async proxy(name = 'p1', pid = 1): Promise<TestProxy> {
    const proxy = new TestProxy(this.control!.address, TOKENS.proxy, { proxy: name, pid });
    this.#proxies.push(proxy);
    await proxy.until('a snapshot', () => proxy.latest !== undefined);
    return proxy;
  }

  /** One call of the admin API. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(this.control!.address + path, {
      method,
      headers: { authorization: `Bearer ${TOKENS.admin}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** A call that must succeed. */
  async post(path: string, body: unknown): Promise<CapabilityStatus> {
    const { status, body: answer } = await this.call('POST', `/capabilities/shop/${path}`, body);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(answer)}`);
    return answer as CapabilityStatus;
  }

  async shop(): Promise<CapabilityStatus> {
    return ((await this.call('GET', '/status')).body as Status).capabilities[0]!;
  }

  async owner(user: string): Promise<Owner> {
    return (await this.call('GET', `/owner/shop/${encodeURIComponent(user)}`)).body as Owner;
  }

  async records(event?: string): Promise<DecisionRecord[]> {
    const { records } = (await this.call('GET', '/records?limit=1000')).body as { records: DecisionRecord[] };
    return records.filter((record) => !event || record.event === event);
  }

  /** The first status for which the condition holds; throws after `ms`. */
  async until(what: string, holds: (status: CapabilityStatus) => boolean, ms = 60_000): Promise<CapabilityStatus> {
    const end = performance.now() + ms;
    for (;;) {
      const status = await this.shop();
      if (status && holds(status)) return status;
      if (performance.now() > end) throw new Error(`waited in vain: ${what}: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    for (const proxy of this.#proxies) proxy.leave();
    await this.control?.stop();
    await this.flags?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
