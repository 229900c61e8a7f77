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
  passing('verify', 'Compares both databases row by row, twice where they differ. Exit code 1 if they do.', {
    usage: '[CAPABILITY…] [--plan FILE] [--json]',
    options: [['--json', 'one JSON object, for programs']],
    examples: ['strangler verify', 'strangler verify orders'],
    run: onDatabases('verify'),
  });
  passing(
    'recopy',
    'After a piece of a log was lost: takes the stream past it, and copies what differs from each row’s owner, while both sides go on writing. cdc must run. Exit code 1 if rows still differ.',
    {
      usage: '[CAPABILITY…] [--plan FILE] [--reason TEXT] [--json]',
      options: [
        ['--reason TEXT', 'why; kept in the decision records'],
        ['--by NAME', 'who does it, for the records; the login’s name otherwise'],
        ['--json', 'one JSON object, for programs'],
      ],
      examples: ['strangler recopy orders --reason "the slot was dropped"'],
      run: onDatabases('recopy'),
    },
  );
  passing('quarantine', 'Shows rows that were kept instead of applied, and settles them. Every decision is recorded.', {
    usage: 'list|show|retry|resolve [ENTRY…] [options]',
    options: [
      ['list [CAPABILITY…]', 'what is kept: --state open|superseded|resolved|all, --user USER, --reason WORD'],
      ['show ENTRY', 'an entry beside what its owner has now, and the commands that settle it'],
      ['retry ENTRY…|--all', 'try again to apply what could not be applied; exit code 1 if some of it still cannot'],
      ['resolve ENTRY…', 'settle it, on both sides: --keep owner|late --reason TEXT [--seen TOKEN]'],
      ['--seen TOKEN', 'the images the decision was made on, as show printed it'],
      ['--by NAME', 'who decides, for the records; the login’s name otherwise'],
      ['--json', 'one JSON object, for programs'],
    ],
    examples: [
      'strangler quarantine list --user 4711',
      'strangler quarantine show orders:forward:12',
      'strangler quarantine resolve orders:forward:12 --keep owner --reason "the customer confirmed"',
      'strangler quarantine retry --all',
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
