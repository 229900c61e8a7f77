import { parseArgs } from 'node:util';

/** What the process was asked to do. */
export type Command = {
  readonly name: 'run' | 'init' | 'verify' | 'doctor' | 'remove';
  readonly plan: string;
  readonly capabilities: readonly string[];
  readonly apply: boolean;
  readonly createUsers: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly metrics: string | undefined;
};

/** The command line cannot be understood; the process exits with code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(`${message}; see --help`);
    this.name = 'UsageError';
  }
}

const USAGE = {
  run: `strangler cdc [run] --plan FILE [--metrics HOST:PORT]
  Runs the sync of every capability, both ways: backfills what is not copied yet, then streams until stopped.
  --metrics HOST:PORT  serves Prometheus metrics there`,
  init: `strangler init --plan FILE [--apply] [--create-users]
  Prepares both databases and Kafka, and prints the GRANTs the Plan's users need. Safe to repeat.
  --apply          also carries out those GRANTs
  --create-users   also creates users that are missing, with the passwords of the Plan's addresses`,
  verify: `strangler verify [CAPABILITY…] --plan FILE [--json]
  Compares both databases row by row, twice where they differ. Exit 1 if they do.
  --json   prints one JSON object instead of a table`,
  doctor: `strangler doctor --plan FILE [--json]
  Looks for everything that would break the sync; says why, and the command that mends it. Exit 1 if it found any.
  --json   prints one JSON object`,
  remove: `strangler remove --plan FILE --yes
  Takes away everything that init and run made: connectors, slots, publications, our tables, topics. Safe to repeat.
  --yes    does it; without, nothing happens`,
} as const;

const NAMES = Object.keys(USAGE) as Command['name'][];

/** Reads the arguments of the process; gives the help text if that is what was asked for. Throws UsageError. */
export function readCommand(args: readonly string[]): Command | { readonly help: string } {
  const { values, positionals } = parse(args);
  const [first = 'run', ...rest] = positionals;
  const name = NAMES.find((one) => one === first);
  if (values.help) return { help: name && positionals.length ? USAGE[name] : Object.values(USAGE).join('\n\n') };
  if (!name) throw new UsageError(`there is no command ${first}: ${NAMES.join(', ')}`);
  if (rest.length && name !== 'verify') throw new UsageError(`${name} takes no ${rest[0]}`);
  return {
    name,
    plan: values.plan,
    capabilities: rest,
    apply: values.apply,
    createUsers: values['create-users'],
    yes: values.yes,
    json: values.json,
    metrics: values.metrics,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        plan: { type: 'string', default: 'strangler.yaml' },
        help: { type: 'boolean', short: 'h', default: false },
        apply: { type: 'boolean', default: false },
        'create-users': { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        metrics: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]!);
  }
}
