/** What the writer knows of one purchase; its key is the Idempotency-Key it was asked with, every time. */
export type Purchase = {
  readonly key: string;
  readonly user: number;
  readonly product: number;
  readonly quantity: number;
  /** `unknown`: asked, and no answer said whether it was done: it counts once or not at all. */
  outcome: 'acknowledged' | 'unknown';
  /** The order the acknowledgement named. */
  order?: { readonly id: number; readonly total: string };
  cancelled?: 'acknowledged' | 'unknown';
};

/** The writer’s own book, kept apart from everything it checks. */
export class Ledger {
  readonly purchases = new Map<string, Purchase>();
  /** What a user saw go wrong: a wrong answer, or a write of theirs that they could not read. */
  readonly complaints: string[] = [];
  requests = 0;
  /** Requests that failed and were sent again. */
  retried = 0;
  /** Requests given up, or broken off by the user, with no answer. */
  unanswered = 0;

  /** Notes a purchase before it is asked for: until it is acknowledged its outcome is unknown. */
  ask(purchase: Omit<Purchase, 'outcome'>): Purchase {
    const noted: Purchase = { ...purchase, outcome: 'unknown' };
    this.purchases.set(noted.key, noted);
    return noted;
  }

  get acknowledged(): number {
    let count = 0;
    for (const { outcome } of this.purchases.values()) if (outcome === 'acknowledged') count++;
    return count;
  }
}
