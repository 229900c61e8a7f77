import { parseArgs } from 'node:util';

/** What the process was asked to do. */
export type Command = {
  readonly name: (typeof NAMES)[number];
  readonly plan: string;
  /** What follows the command's name: capabilities, for `quarantine` what to do with which entries. */
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

const NAMES = ['run', 'init', 'doctor', 'verify', 'recopy', 'quarantine', 'remove'] as const;

/** What each does is said in one place, the command line of the toolkit (cli/passed-on.ts). */
const HELP = `node cdc/main.ts [${NAMES.join('|')}] --plan FILE
  Each is a command of strangler (run is strangler cdc): strangler COMMAND --help explains it.`;

const TAKES_WORDS: ReadonlySet<Command['name']> = new Set(['verify', 'recopy', 'quarantine']);

/** Reads the arguments of the process; gives the help text if that is what was asked for. Throws UsageError. */
export function readCommand(args: readonly string[]): Command | { readonly help: string } {
  const { values, positionals } = parse(args);
  const [first = 'run', ...rest] = positionals;
  const name = NAMES.find((one) => one === first);
  if (values.help) return { help: HELP };
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
