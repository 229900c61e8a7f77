import type { Command } from 'commander';
import { examples } from './options.ts';
import { runProgram } from './processes.ts';

/** A command of another program: how it is used, and who carries it out. */
type PassedOn = {
  usage: string;
  options: readonly (readonly [option: string, meaning: string])[];
  examples: readonly string[];
  run: (args: string[]) => Promise<number>;
};

/** How both commands are used that copy rows from their owners. */
const COPYING: Pick<PassedOn, 'usage' | 'options'> = {
  usage: '[CAPABILITY…] [--apply] [--plan FILE] [--reason TEXT] [--json]',
  options: [
    ['--apply', 'do it; without, nothing is written'],
    ['--reason TEXT', 'why; kept in the decision records'],
    ['--by NAME', 'who does it, for the records; the login’s name otherwise'],
    ['--json', 'one JSON object with every row, for programs'],
  ],
};

/** Adds what is done to the databases; `exit` receives the code of the program that did it. */
export function addDatabases(program: Command, exit: (code: number) => void): void {
  const passing = passingOn(program, exit);
  program.commandsGroup('The databases:');
  passing('init', 'Prepares both databases and Kafka for the sync, and prints every GRANT. Safe to repeat.', {
    usage: '[--plan FILE] [--apply] [--create-users]',
    options: [
      ['--apply', 'also carry out those GRANTs'],
      ['--create-users', 'also create users that are missing, with the passwords in the Plan’s addresses'],
    ],
    examples: ['strangler init', 'strangler init --apply --create-users'],
    run: onDatabases('init'),
  });
  passing(
    'doctor',
    'Looks for everything that would break the sync, and says how to fix it. Exit code 1 if it found any.',
    {
      usage: '[--plan FILE] [--json]',
      options: [['--json', 'one JSON object, for programs']],
      examples: ['strangler doctor', 'strangler doctor --plan staging.yaml --json'],
      run: onDatabases('doctor'),
    },
  );
  passing(
    'survey',
    'Asks, while users are at work and everybody is on the monolith, whether each change of a row was made by a request of its user. Changes nothing; proxies, control and Kafka Connect must run. Exit code 1 if something is unexplained, or nothing was seen.',
    {
      usage: '[CAPABILITY…] [--for TIME] [--plan FILE] [--json]',
      options: [
        ['--for TIME', 'how long (default: 1h); Ctrl-C ends it with what was found so far'],
        ['--control URL', 'address of control, instead of the Plan’s control.listen'],
        ['--json', 'one JSON object, for programs'],
      ],
      examples: ['strangler survey --for 10m', 'strangler survey orders --for 1h --json'],
      run: onDatabases('survey'),
    },
  );
  passing('verify', 'Compares both databases row by row, twice where they differ. Exit code 1 if they do.', {
    usage: '[CAPABILITY…] [--plan FILE] [--json]',
    options: [['--json', 'one JSON object, for programs']],
    examples: ['strangler verify', 'strangler verify orders'],
    run: onDatabases('verify'),
  });
  passing(
    'recopy',
    'After a piece of a log was lost: says which rows differ and what would be written; with --apply takes the stream past the loss and copies them from each row’s owner, while both sides go on writing. cdc must run. Exit code 1 if rows still differ.',
    {
      ...COPYING,
      examples: ['strangler recopy orders', 'strangler recopy orders --apply --reason "the slot was dropped"'],
      run: onDatabases('recopy'),
    },
  );
  passing(
    'repair',
    'As recopy, where no log has lost anything: says what verify’s mismatches would become, and with --apply copies each row from its owner. What it overwrites is kept.',
    {
      ...COPYING,
      examples: ['strangler repair', 'strangler repair orders --apply --reason "a script wrote past the proxy"'],
      run: onDatabases('repair'),
    },
  );
  passing(
    'undo',
    'Puts back what was overwritten, superseded or changed late, on both sides, if its owner has not written since. Exit code 1 if some of it cannot be undone.',
    {
      usage: 'ENTRY…|--operation ID --reason TEXT [options]',
      options: [
        ['--operation ID', 'all that one recopy, repair or undo has overwritten; it printed its ID'],
        ['--reason TEXT', 'why; kept in the decision records'],
        ['--seen TOKEN', 'the rows as strangler quarantine show printed them, if they have changed since'],
        ['--by NAME', 'who does it, for the records; the login’s name otherwise'],
        ['--json', 'one JSON object, for programs'],
      ],
      examples: [
        'strangler undo orders:forward:12 --reason "it was right as it was"',
        'strangler undo --operation 1f0c9a3e --reason "the copies were the worse rows"',
      ],
      run: onDatabases('undo'),
    },
  );
  passing('quarantine', 'Shows rows that were kept, applied or not, and settles them. Every decision is recorded.', {
    usage: 'list|show|retry|resolve|expect [ENTRY…] [options]',
    options: [
      [
        'list [CAPABILITY…]',
        'what is open; --settled: what is not, --state open|superseded|resolved|kept|all, --cause WORD, --user USER, --operation ID',
      ],
      ['show ENTRY', 'an entry beside what its owner has now, and the commands that settle it'],
      ['retry ENTRY…|--all', 'try again to apply what could not be applied; exit code 1 if some of it still cannot'],
      ['resolve ENTRY…', 'settle it, on both sides: --keep owner|late --reason TEXT [--seen TOKEN]'],
      [
        'expect ENTRY…|--all',
        'say that it is as it should be: --reason TEXT, with --all maybe CAPABILITY… and --cause WORD',
      ],
      ['--seen TOKEN', 'the images the decision was made on, as show printed it'],
      ['--by NAME', 'who decides, for the records; the login’s name otherwise'],
      ['--json', 'one JSON object, for programs'],
    ],
    examples: [
      'strangler quarantine list --user 4711',
      'strangler quarantine show orders:forward:12',
      'strangler quarantine resolve orders:forward:12 --keep owner --reason "the customer confirmed"',
      'strangler quarantine retry --all',
      'strangler quarantine expect --all --cause late-applied --reason "the rollback of Monday"',
    ],
    run: onDatabases('quarantine'),
  });
  passing(
    'remove',
    'Takes away everything of ours: connectors, slots, topics, strangler_ tables. The data of both sides stays.',
    {
      usage: '[--plan FILE] --yes',
      options: [['--yes', 'do it; without, nothing happens']],
      examples: ['strangler remove --yes'],
      run: onDatabases('remove'),
    },
  );
}

/** Adds the processes that run in the foreground; `exit` receives their code. */
export function addProcesses(program: Command, exit: (code: number) => void): void {
  const passing = passingOn(program, exit);
  program.commandsGroup('Processes, in the foreground:');
  passing('proxy', 'Starts a proxy: requests in, each to the side that owns its user.', {
    usage: '[--plan FILE] [--listen HOST:PORT] [--metrics HOST:PORT] [--name NAME]',
    options: [
      ['--listen HOST:PORT', 'where requests come in, instead of the Plan’s proxy.listen'],
      ['--metrics HOST:PORT', 'where metrics and /health are served, instead of the Plan’s proxy.metrics'],
      ['--name NAME', 'how control and strangler status call it'],
      ['--monolith URL', 'no Plan: everything to the monolith; needs --listen'],
    ],
    examples: [
      'strangler proxy --plan strangler.yaml',
      'strangler proxy --listen 127.0.0.1:8080 --monolith http://127.0.0.1:3000',
    ],
    run: (args) => runProgram('proxy', args),
  });
  passing('control', 'Starts control: ramps, judge, handoffs and the admin API that this command talks to.', {
    usage: '[--plan FILE]',
    options: [],
    examples: ['strangler control --plan strangler.yaml'],
    run: (args) => runProgram('control', args),
  });
  passing('cdc', 'Starts the sync of the databases: copies the rows that exist, then streams changes both ways.', {
    usage: '[--plan FILE] [--metrics HOST:PORT]',
    options: [['--metrics HOST:PORT', 'where metrics are served']],
    examples: ['strangler cdc --plan strangler.yaml'],
    run: (args) => runProgram('cdc', args),
  });
}

/** Adds a command that another program carries out: options go there as they are, these among them. */
const passingOn =
  (program: Command, exit: (code: number) => void) =>
  (name: string, description: string, how: PassedOn): void => {
    program
      .command(name)
      .usage(how.usage)
      .description(description)
      .argument('[options...]', '')
      .allowUnknownOption()
      .configureHelp({ visibleArguments: () => [], visibleOptions: () => [] })
      .addHelpText('after', optionsHelp(how.options))
      .addHelpText('after', examples(...how.examples))
      .action(async (_options, _, command: Command) => exit(await how.run(withPlan(command.args))));
  };

const onDatabases = (name: string) => (args: string[]) => runProgram('cdc', [name, ...args]);

const optionsHelp = (options: PassedOn['options']): string => {
  const all = [['--plan FILE', 'the Plan (default: "strangler.yaml")'], ...options] as const;
  const room = Math.max(...all.map(([option]) => option.length)) + 2;
  return `\nOptions:\n${all.map(([option, meaning]) => `  ${option.padEnd(room)}${meaning}`).join('\n')}`;
};

const withPlan = (args: string[]): string[] =>
  args.some((arg) => /^--(plan|monolith)(=|$)/.test(arg)) ? args : [...args, '--plan', 'strangler.yaml'];
