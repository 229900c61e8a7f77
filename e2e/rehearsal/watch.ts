import { setTimeout as sleep } from 'node:timers/promises';
import type { ComparedTally, Comparison, DecisionRecord, Status } from '@strangler/plan';
import { at, PORTS, SECRETS } from './addresses.ts';

const EVERY_MS = 200;

async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(at(PORTS.control) + path, {
    headers: { authorization: `Bearer ${SECRETS.admin}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`control answered ${answer.status} to ${path}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** What control says now. */
export const readStatus = (): Promise<Status> => ask<Status>('/status');

/** What comparing the replies of both sides has found. */
export const readCompared = async (capability: string): Promise<ComparedTally> =>
  (await ask<Comparison>(`/capabilities/${capability}/compared`)).replies;

/** Every decision record after an id. */
export async function readRecordsAfter(id: number): Promise<DecisionRecord[]> {
  const all: DecisionRecord[] = [];
  for (;;) {
    const { records } = await ask<{ records: DecisionRecord[] }>(`/records?after=${all.at(-1)?.id ?? id}&limit=500`);
    all.push(...records);
    if (records.length < 500) return all;
  }
}

/** Waits until the status fulfils a condition. Throws after `within` milliseconds, saying what it waited for. */
export async function waitForStatus(
  what: string,
  within: number,
  fulfilled: (status: Status) => boolean,
): Promise<Status> {
  const deadline = Date.now() + within;
  for (;;) {
    const status = await readStatus();
    if (fulfilled(status)) return status;
    if (Date.now() > deadline)
      throw new Error(`waited ${within / 1_000} s for ${what}; the status is ${JSON.stringify(status)}`);
    await sleep(20);
  }
}

/** Samples of every stream’s lag in milliseconds, and the newest status. */
export class Watch {
  status: Status | undefined;
  readonly lags: { readonly at: number; readonly lag: number }[] = [];
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(show: (status: Status) => void) {
    this.#loop = this.#watch(show);
  }

  async #watch(show: (status: Status) => void): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const status = await readStatus().catch(() => undefined); // the books tell whether anything was lost
      if (status) {
        this.status = status;
        const now = Date.now();
        for (const { streams } of status.capabilities) {
          for (const { lag } of streams) if (lag !== null) this.lags.push({ at: now, lag });
        }
        show(status);
      }
      await sleep(EVERY_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  /** Ends the watching. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }
}
