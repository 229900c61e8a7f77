/** What the flag of a capability says. */
export type Flag = {
  /** Percentage of users somebody wants on the service: 0…100 in steps of 0.01. */
  readonly percentage: number;
  /** Milliseconds since the source of flags was last read successfully. */
  readonly age: number;
};

/**
 * Where the percentage somebody wants stands. Reads answer from memory; the last good value is kept when the source is
 * away. Opening creates nothing: a flag that is absent is undefined until it is made.
 */
export interface FlagStore {
  /** The flag of a capability; undefined if there is none or it was never readable. */
  read(capability: string): Flag | undefined;
  /** Why what stands at the source is not followed now: the flag of this capability, or all of them; undefined if it is. */
  problem(capability: string): string | undefined;
  /** Stores a percentage with its reason. Rejects when the source cannot be written; nothing has changed then. */
  write(capability: string, percentage: number, reason: string): Promise<void>;
  /** Stores a percentage only if there is no flag: one that exists is left as it is. Rejects like `write`. */
  create(capability: string, percentage: number, reason: string): Promise<void>;
  /** Calls the listener after every change of any flag; gives the function that ends it. */
  onChange(listener: () => void): () => void;
  /** Ends watching. Safe to call twice. */
  stop(): Promise<void>;
}
