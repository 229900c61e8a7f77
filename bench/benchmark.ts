/** What every benchmark may be told. */
export type Options = {
  /** Length of one measurement, in seconds. */
  readonly seconds: number | undefined;
  /** How often each measurement is taken. */
  readonly rounds: number | undefined;
  /** Decides what is left to chance; a benchmark that leaves nothing to chance has no use for it. */
  readonly seed: number | undefined;
  /** How many days are simulated. */
  readonly days: number | undefined;
  readonly signal: AbortSignal;
};

/** What a benchmark found: lines for people, and the same figures for machines. */
export type Findings = { readonly text: string; readonly figures: Readonly<Record<string, unknown>> };

/** One benchmark. It checks that every contender does the work before it measures, and cleans up whatever happens. */
export type Benchmark = { readonly about: string; readonly run: (options: Options) => Promise<Findings> };
