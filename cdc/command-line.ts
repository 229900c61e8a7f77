import { parseArgs } from 'node:util';
import { parseDuration } from '@strangler/plan';

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
  readonly cause: string | undefined;
  readonly operation: string | undefined;
  readonly settled: boolean;
  readonly reason: string | undefined;
  readonly keep: string | undefined;
  readonly seen: string | undefined;
  readonly by: string | undefined;
  readonly control: string | undefined;
  /** How long to survey, ms. */
  readonly for: number;
};

/** The command line cannot be understood; the process exits with code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(`${message}; see --help`);
    this.name = 'UsageError';
  }
}

const NAMES = [
  'run',
  'init',
  'doctor',
  'survey',
  'verify',
  'recopy',
  'repair',
  'quarantine',
  'undo',
  'remove',
] as const;

/** What each does is said in one place, the command line of the toolkit (cli/passed-on.ts). */
const HELP = `node cdc/main.ts [${NAMES.join('|')}] --plan FILE
  Each is a command of strangler (run is strangler cdc): strangler COMMAND --help explains it.`;

const TAKES_WORDS: ReadonlySet<Command['name']> = new Set([
  'survey',
  'verify',
  'recopy',
  'repair',
  'quarantine',
  'undo',
]);

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
    cause: values.cause,
    operation: values.operation,
    settled: values.settled,
    reason: values.reason,
    keep: values.keep,
    seen: values.seen,
    by: values.by,
    control: values.control,
    for: durationOf(values.for),
  };
}

function durationOf(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds) return milliseconds;
  throw new UsageError(`--for ${text} is no duration such as 90s, 10m or 1h`);
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
        cause: { type: 'string' },
        operation: { type: 'string' },
        settled: { type: 'boolean', default: false },
        reason: { type: 'string' },
        keep: { type: 'string' },
        seen: { type: 'string' },
        by: { type: 'string' },
        control: { type: 'string' },
        for: { type: 'string', default: '1h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]!);
  }
}
