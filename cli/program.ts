import { parseDuration, parseSize } from '@strangler/plan';
import { Command, Option } from 'commander';
import * as commands from './commands.ts';
import * as comparing from './comparing.ts';
import { readSteps } from './percent.ts';
import { EXIT, Problem } from './problem.ts';
import { runProgram } from './processes.ts';
import * as recording from './recording.ts';
import * as replaying from './replaying.ts';
import { suggestRules } from './suggesting.ts';

const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;

const readCount = (text: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Problem(`--last ${text} is no count: use 1 to 999999`, EXIT.usage);
  return Number(text);
};

const asIs = (text: string): string => text;
/** An option that may be given again and again. */
const repeated = (flags: string, description: string, read = asIs): Option =>
  new Option(flags, `${description}; may be repeated`)
    .argParser((one: string, all: readonly string[]) => [...all, read(one)])
    .default([], 'none');
/** An option with a default that people would write otherwise than the program has it. */
const sized = (flags: string, description: string, read: (text: string) => number, preset: string): Option =>
  new Option(flags, description).argParser(read).default(read(preset), preset);

const readTime = (text: string): number => {
  const ms = parseDuration(text);
  if (ms) return ms;
  throw new Problem(`${text} is no duration: use 10m, 12h or 7d`, EXIT.usage);
};

const readBytes = (text: string): number => {
  const bytes = parseSize(text);
  if (bytes) return bytes;
  throw new Problem(`${text} is no size: use 64KiB, 1MiB or 2GiB`, EXIT.usage);
};

/** A command in a list of commands: its name and what it cannot do without. */
const nameOf = (command: Command): string =>
  [
    command.name(),
    ...command.registeredArguments.filter(({ required }) => required).map((one) => `<${one.name()}>`),
  ].join(' ');

/** The whole command line; `exit` receives the code of a program that ran in the foreground. */
export function buildProgram(exit: (code: number) => void): Command {
  const program = new Command('strangler')
    .description(
      'Moves capabilities out of a monolith into services, a percentage of users at a time, and back at any moment.',
    )
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: nameOf })
    .showHelpAfterError('Run it with --help to see what it takes.')
    .addHelpText(
      'after',
      `
The address of control and its token come from the Plan (control.listen, control.tokens.admin). --control URL and the
environment variable STRANGLER_TOKEN win over it; with both, no Plan is read.

Exit codes: 0 done, 1 failed or refused, 2 used wrongly or a wrong Plan, 130 stopped watching with Ctrl-C.
${examples(
  'strangler check                          is the Plan right?',
  'strangler doctor                         does everything else fit it?',
  'strangler status --watch                 how far are we?',
  'strangler ramp start orders              move users to the service, step by step',
  'strangler rollback orders --now          everybody back to the monolith, at once',
)}`,
    );

  const talking = (command: Command): Command =>
    command
      .option('--plan <file>', 'the Plan', 'strangler.yaml')
      .option('--control <url>', 'address of control, instead of the Plan’s control.listen');

  program.commandsGroup('Looking:');
  talking(program.command('status'))
    .description('Shows where users are, what the ramps do, and what holds them.')
    .option('--watch', 'show it anew every 500 ms until Ctrl-C')
    .option('--json', 'print what control answers, for programs')
    .addHelpText(
      'after',
      examples('strangler status', 'strangler status --watch', 'strangler status --json | jq .capabilities'),
    )
    .action(commands.status);

  talking(program.command('records [capability]'))
    .description('Lists what was decided, by whom and why.')
    .option('--last <count>', 'how many', readCount, 20)
    .option('--json', 'with everything each decision was made on, for programs')
    .addHelpText(
      'after',
      examples(
        'strangler records',
        'strangler records orders --last 100',
        'strangler records --json | jq ".[-1].inputs"',
      ),
    )
    .action(commands.records);

  talking(program.command('owner <capability> <user>'))
    .description('Says which side takes the writes of a user.')
    .option('--json', 'for programs')
    .addHelpText('after', examples('strangler owner orders 4711'))
    .action(commands.owner);

  talking(program.command('compared <capability>'))
    .description('Shows what comparing the replies of both sides has found, route by route.')
    .option(
      '--forget',
      'begin again, because the service or the rules are others now; the gate closes until it is sure',
    )
    .option('--html <file>', 'write a report to read, in one file')
    .option('--json', 'the whole report, for programs and for strangler rules')
    .addHelpText(
      'after',
      examples(
        'strangler compared orders',
        'strangler compared orders --html report.html',
        'strangler compared orders --forget',
      ),
    )
    .action(commands.compared);

  program.commandsGroup('Moving users:');
  const ramp = program
    .command('ramp')
    .description('Starts, pauses or resumes a ramp: percentages of users, each watched before the next.');
  talking(ramp.command('start <capability>'))
    .description('Starts at the next step above the present boundary and waits until the last one is reached.')
    .option('--steps <percentages>', 'instead of the Plan’s: 10,25,50,100', readSteps)
    .option('--dwell <duration>', 'how long each step is watched, instead of the Plan’s: 30s, 10m, 1h')
    .option('--no-wait', 'return as soon as control has accepted it')
    .addHelpText(
      'after',
      examples('strangler ramp start orders', 'strangler ramp start orders --steps 1,10,50,100 --dwell 30m --no-wait'),
    )
    .action((capability, options) => commands.ramp('start', capability, options));
  talking(ramp.command('pause <capability>'))
    .description('Stops where users are; nobody moves back.')
    .addHelpText('after', examples('strangler ramp pause orders'))
    .action((capability, options) => commands.ramp('pause', capability, options));
  talking(ramp.command('resume <capability>'))
    .description('Goes on with the step at which it was paused.')
    .addHelpText('after', examples('strangler ramp resume orders'))
    .action((capability, options) => commands.ramp('resume', capability, options));

  talking(program.command('set <capability> <value>'))
    .description(
      'Moves users to a percentage (0 to 100 in steps of 0.01), or pins one user to a side, and waits for it.',
    )
    .option('--user <user>', 'pin this user; the value is then monolith, service or none (no longer pinned)')
    .option('--reason <text>', 'why; kept in the decision records')
    .option('--no-wait', 'return as soon as control has accepted it')
    .addHelpText(
      'after',
      examples(
        'strangler set orders 25 --reason "first quarter"',
        'strangler set orders 0.01%',
        'strangler set orders service --user 4711',
        'strangler set orders none --user 4711',
      ),
    )
    .action(commands.set);

  talking(program.command('rollback <capability>'))
    .description('Takes everybody back to the monolith, slice by slice and without losing a write, and waits for it.')
    .option('--now', 'all at once: does not wait for writes under way')
    .option('--reason <text>', 'why; kept in the decision records')
    .option('--no-wait', 'return as soon as control has accepted it')
    .addHelpText(
      'after',
      examples('strangler rollback orders', 'strangler rollback orders --now --reason "checkout is failing"'),
    )
    .action(commands.rollback);

  talking(program.command('settle <capability>'))
    .description(
      'Shows who came back by force and is not proven yet, and who of them may miss a write; with --lost, gives the service’s database up.',
    )
    .option('--lost', 'the service’s database is gone for good (needs a token of role admin)')
    .option('--reason <text>', 'why; kept in the decision records')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      examples('strangler settle orders', 'strangler settle orders --lost --reason "the disk is gone, no replica"'),
    )
    .action(commands.settle);

  program.addHelpCommand(
    new Command('help').argument('[command]').description('Shows what a command takes.').helpGroup('Looking:'),
  );

  program.commandsGroup('The Plan:');
  program
    .command('check')
    .description(
      'Validates the Plan and the rules it names, and reports every mistake at once; exit code 2 if there is one.',
    )
    .option('--plan <file>', 'the Plan', 'strangler.yaml')
    .addHelpText('after', examples('strangler check', 'strangler check --plan staging.yaml'))
    .action(commands.check);
  program
    .command('schema')
    .description('Prints the JSON Schema of the Plan, for editors.')
    .addHelpText('after', examples('strangler schema > strangler.schema.json'))
    .action(commands.schema);

  /** A command that another program carries out: options go there as they are, these among them. */
  const passing = (name: string, description: string, how: Passing): void => {
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
    'Looks for everything that would break the sync, and says how to mend it. Exit code 1 if it found any.',
    {
      usage: '[--plan FILE] [--json]',
      options: [['--json', 'one JSON object, for programs']],
      examples: ['strangler doctor', 'strangler doctor --plan staging.yaml --json'],
      run: onDatabases('doctor'),
    },
  );
  passing('verify', 'Compares both databases row by row. Exit code 1 if they differ.', {
    usage: '[CAPABILITY…] [--plan FILE] [--json]',
    options: [['--json', 'one JSON object, for programs']],
    examples: ['strangler verify', 'strangler verify orders'],
    run: onDatabases('verify'),
  });
  passing(
    'recopy',
    'After a piece of a log was lost: takes the stream past it, and copies what differs from each row’s owner. Exit code 1 if rows still differ.',
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

  program.commandsGroup('Old and new, asked the same:');
  const reporting = (command: Command): Command =>
    command
      .option('--rules <file>', 'why replies may differ, a JSON list')
      .addOption(repeated('--header <name>', 'compare this header too'))
      .option('--minimum <count>', 'so many must agree; without it all', readCount)
      .option('--junit <file>', 'write a JUnit report')
      .option('--json <file>', 'write the whole report, for programs and for strangler rules')
      .option('--html <file>', 'write a report to read, in one file')
      .option('--summary <file>', 'append a Markdown summary (default: $GITHUB_STEP_SUMMARY)');
  reporting(
    program
      .command('compare <old-url> <new-url>')
      .description('Sends a suite of requests to both sides and compares the replies; for CI.')
      .requiredOption('--suite <file>', 'the cases, a JSON list: name, method, path, headers, body, capture'),
  )
    .addHelpText(
      'after',
      `\nExit codes: 0 equal, 1 mismatch, 2 the tool or a side failed, 3 too little could be compared.\n${examples(
        'strangler compare http://localhost:3000 http://localhost:3001 --suite cases.json',
        'strangler compare $OLD $NEW --suite cases.json --rules rules.json --html report.html --junit junit.xml',
      )}`,
    )
    .action(async (oldUrl, newUrl, options) => exit(await comparing.compare(oldUrl, newUrl, options)));
  program
    .command('record <url>')
    .description('Passes requests on to a server and writes them and its replies into a HAR file, without secrets.')
    .requiredOption('--listen <host:port>', 'where requests come in', recording.readListen)
    .requiredOption('--out <file>', 'the recording, a HAR file that must not exist yet')
    .option('--beside <url>', 'ask reads of the new side too, and keep both replies; writes never go there')
    .addOption(repeated('--as-read <route>', 'this changes nothing either: "POST /search/**"', recording.readRoute))
    .option('--user <where>', 'who asks: jwt:CLAIM, header:NAME or cookie:NAME (default: jwt:sub)', recording.readUser)
    .addOption(
      repeated('--redact <name>', 'a secret too: a name, or a JSON path as $.user.phone', recording.readSecretPlace),
    )
    .option('--secrets <file>', 'secrets by name, to be put back by strangler replay: {"ada-password": "…"}')
    .addOption(
      sized(
        '--keep <duration>',
        'after that it is refused, and removed by the next recording beside it',
        readTime,
        '14d',
      ),
    )
    .addOption(sized('--max-body <size>', 'of a larger body only size and hash are kept', readBytes, '1MiB'))
    .option('--max-requests <count>', 'then requests are still passed on, but not recorded', readCount, 100_000)
    .addOption(sized('--max-file <size>', 'the same, for the size of the file', readBytes, '1GiB'))
    .addHelpText(
      'after',
      `\nTokens, passwords, card numbers, e-mail addresses and the like never reach the file; equal ones have equal marks.\n${examples(
        'strangler record http://localhost:3000 --listen :8080 --out shop.har',
        'strangler record $OLD --listen :8080 --out shop.har --beside $NEW --redact phone --keep 3d',
      )}`,
    )
    .action(async (url, options) => exit(await recording.record(url, options)));
  reporting(
    program
      .command('replay <file> <old-url> <new-url>')
      .description('Plays a recording, or any HAR file, against both sides and compares the replies.')
      .option('--writes', 'send writes too, TO BOTH SIDES; without it only reads are played')
      .option(
        '--speed <factor>',
        '1 is as fast as recorded, 10 ten times as fast, max without waiting',
        replaying.readSpeed,
        1,
      )
      .option('--concurrency <count>', 'requests under way at once; those of one user stay in order', readCount, 16)
      .addOption(repeated('--only <route>', 'play only these: "GET /orders/**"', recording.readRoute))
      .addOption(repeated('--host <host>', 'play what was sent to it (default: that with most requests)'))
      .addOption(repeated('--as-read <route>', 'this changes nothing: "POST /login"', recording.readRoute))
      .option('--users <file>', 'headers by user, for what was redacted: {"17": {"authorization": "Bearer …"}, "*": …}')
      .option(
        '--user <where>',
        'who asks: jwt:CLAIM, header:NAME or cookie:NAME (default: as recorded)',
        recording.readUser,
      )
      .option('--secrets <file>', 'the secrets that strangler record --secrets was told: {"ada-password": "…"}')
      .addOption(repeated('--id <name>', 'this member is an id too, beside id, orderId, order_id …')),
  )
    .addHelpText(
      'after',
      `
Instead of OLD-URL the word "recorded" takes the replies of the recording, instead of NEW-URL the word "beside" those
that strangler record --beside has kept.

Exit codes: 0 equal, 1 mismatch, 2 the tool or a side failed, 3 too little could be compared, 130 stopped with Ctrl-C.
${examples(
  'strangler replay shop.har http://localhost:3000 http://localhost:3001 --speed max',
  'strangler replay shop.har $OLD $NEW --writes --rules rules.json --html report.html --users users.json',
  'strangler replay shop.har recorded beside',
)}`,
    )
    .action(async (file, oldUrl, newUrl, options) => exit(await replaying.replay(file, oldUrl, newUrl, options)));
  const rules = program.command('rules').description('Looks after the rules that say why replies may differ.');
  rules
    .command('lint <rules>')
    .description('Says what is wrong with rules: expired, over-broad, nobody’s; with a report also dead ones.')
    .option('--report <file>', 'what strangler compare or compared --json has written, made with these rules')
    .addHelpText('after', examples('strangler rules lint rules.json --report report.json'))
    .action(async (file, options) => exit(await comparing.lintRules(file, options)));
  talking(rules.command('suggest [report]'))
    .description('Proposes a rule for every group of differences, and says what else it would have hidden.')
    .option('--from <capability>', 'what is compared live, instead of a report')
    .option('--group <id>', 'only for this group; its id stands in strangler compared and in the HTML report')
    .option('--write <file>', 'add the rule to this file of rules; needs --group and --reason')
    .option('--reason <text>', 'why they may differ')
    .option('--owner <name>', 'whom to ask about the rule')
    .option('--until <day>', 'the last day it excuses anything: 2027-03-31')
    .option('--json', 'the rules alone, for a file of rules')
    .addHelpText(
      'after',
      examples(
        'strangler rules suggest report.json',
        'strangler rules suggest --from orders --group 3f2a9c',
        'strangler rules suggest --from orders --group 3f2a9c --write rules.json --reason "agreed" --owner payments --until 2027-03-31',
      ),
    )
    .action(suggestRules);
  rules
    .command('explain <rules> <report> [id]')
    .description('Says what rules are for, and which cases would fail without them.')
    .addHelpText('after', examples('strangler rules explain rules.json report.json order-ids'))
    .action((file, report, id) => comparing.explainRules(file, report, id));

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
  return program;
}

/** A command of another program: how it is used, and who carries it out. */
type Passing = {
  usage: string;
  options: readonly (readonly [option: string, meaning: string])[];
  examples: readonly string[];
  run: (args: string[]) => Promise<number>;
};

const optionsHelp = (options: Passing['options']): string => {
  const all = [['--plan FILE', 'the Plan (default: "strangler.yaml")'], ...options] as const;
  const room = Math.max(...all.map(([option]) => option.length)) + 2;
  return `\nOptions:\n${all.map(([option, meaning]) => `  ${option.padEnd(room)}${meaning}`).join('\n')}`;
};

const withPlan = (args: string[]): string[] =>
  args.some((arg) => /^--(plan|monolith)(=|$)/.test(arg)) ? args : [...args, '--plan', 'strangler.yaml'];
