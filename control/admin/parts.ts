import type { DecisionRecord, Plan, Status } from '@strangler/plan';
import type { Logger } from 'pino';
import type { Active } from '../active.ts';
import type { NewRecord } from '../store.ts';

/** What the admin API works on. */
export type AdminParts = {
  readonly plan: Plan;
  readonly active: () => Active | undefined;
  readonly status: () => Status;
  readonly metrics: () => Promise<string>;
  readonly record: (record: NewRecord) => Promise<void>;
  readonly records: (filter: { capability?: string; after: number; limit: number }) => Promise<DecisionRecord[]>;
  readonly log: Logger;
};
