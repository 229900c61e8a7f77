/** The load generator’s own record: what it asked, what was acknowledged, what went wrong. */
export class ShoppingTally {
  /** Acknowledged purchases by Idempotency-Key. */
  readonly acknowledged = new Set<string>();
  /** Keys of acknowledged purchases whose cancellation was acknowledged too. */
  readonly cancelled = new Set<string>();
  /** What a customer saw go wrong after every retry; must stay empty. */
  readonly errors: string[] = [];
  /** When (Unix milliseconds) a request failed and was sent again. */
  readonly retryTimes: number[] = [];
  requests = 0;
  inFlight = 0;
  mostInFlight = 0;

  /** Notes a request sent; call the result when it has ended. */
  started(): () => void {
    this.requests++;
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    return () => {
      this.inFlight--;
    };
  }

  /** Notes that a request will be sent again. */
  retried(): void {
    this.retryTimes.push(Date.now());
  }

  /** Notes what a customer could not get done. */
  failed(what: string): void {
    this.errors.push(what);
  }
}
