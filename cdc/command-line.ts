import { parseArgs } from 'node:util';

/** What the process was asked to do. */
export type Command = {
  readonly name: 'run' | 'init' | 'verify' | 'recopy' | 'quarantine' | 'doctor' | 'remove';
  readonly plan: string;
  /** What stands behind the command's name: capabilities, for `quarantine` what to do with which entries. */
  readonly words: readonly string[];
  readonly apply: boolean;
  readonly createUsers: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly metrics: string | undefined;
  readonly all: boolean;
  readonly state: string | undefined;
  readonly user: string | undefined;
  readonly reason: string | undefined;
  readonly keep: string | undefined;
  readonly seen: string | undefined;
  readonly by: string | undefined;
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
  recopy: `strangler recopy [CAPABILITY…] --plan FILE [--reason TEXT] [--by NAME] [--json]
  Takes streams that have lost a piece of their source's log past it, and copies what differs from each row's owner to the
  other side, while both go on writing. cdc must run. Safe to repeat. Exit 1 if rows still differ.
  --by NAME      who does it, for the records; the login's name otherwise
  --json   prints one JSON object`,
  quarantine: `strangler quarantine list [CAPABILITY…] [--state open|superseded|resolved|all] [--user USER] [--reason WORD]
strangler quarantine show ENTRY
strangler quarantine retry ENTRY…|--all [--reason TEXT] [--by NAME]
strangler quarantine resolve ENTRY… --keep owner|late [--seen TOKEN] --reason TEXT [--by NAME]
  list      what is kept; open entries, unless --state says otherwise
  show      an entry beside what its owner has now
  retry     tries again to apply what could not be applied; exit 1 if some of it still cannot
  resolve   settles an entry by the owner's row or by the late write, on both sides
  --seen TOKEN   the images the decision was made on, as show printed it
  --by NAME      who decides, for the records; the login's name otherwise
  --plan FILE, --json`,
  doctor: `strangler doctor --plan FILE [--json]
  Looks for everything that would break the sync; says why, and the command that fixes it. Exit 1 if it found any.
  --json   prints one JSON object`,
  remove: `strangler remove --plan FILE --yes
  Takes away everything that init and run made: connectors, slots, publications, our tables, topics. Safe to repeat.
  --yes    does it; without, nothing happens`,
} as const;

const NAMES = Object.keys(USAGE) as Command['name'][];

const TAKES_WORDS: ReadonlySet<Command['name']> = new Set(['verify', 'recopy', 'quarantine']);

/** Reads the arguments of the process; gives the help text if that is what was asked for. Throws UsageError. */
export function readCommand(args: readonly string[]): Command | { readonly help: string } {
  const { values, positionals } = parse(args);
  const [first = 'run', ...rest] = positionals;
  const name = NAMES.find((one) => one === first);
  if (values.help) return { help: name && positionals.length ? USAGE[name] : Object.values(USAGE).join('\n\n') };
  if (!name) throw new UsageError(`there is no command ${first}: ${NAMES.join(', ')}`);
  if (rest.length && !TAKES_WORDS.has(name)) throw new UsageError(`${name} takes no ${rest[0]}`);
  return {
    name,
    plan: values.plan,
    words: rest,
    apply: values.apply,
    createUsers: values['create-users'],
    yes: values.yes,
    json: values.json,
    metrics: values.metrics,
    all: values.all,
    state: values.state,
    user: values.user,
    reason: values.reason,
    keep: values.keep,
    seen: values.seen,
    by: values.by,
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
        all: { type: 'boolean', default: false },
        state: { type: 'string' },
        user: { type: 'string' },
        reason: { type: 'string' },
        keep: { type: 'string' },
        seen: { type: 'string' },
        by: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]!);
  }
}
