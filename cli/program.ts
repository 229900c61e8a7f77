import { Command } from 'commander';
import * as commands from './commands.ts';
import { addComparing } from './comparing-commands.ts';
import { examples, readCount, repeated, talking } from './options.ts';
import { addDatabases, addProcesses } from './passed-on.ts';
import { readSteps } from './percent.ts';

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

  program.commandsGroup('Looking:');
  talking(program.command('status'))
    .description('Shows where users are, what the ramps do, and what holds them.')
    .option('--watch', 'redraw it every 500 ms until Ctrl-C')
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

  talking(program.command('route <method> <path>'))
    .description(
      'Says what the Plan makes of a request: its route, whose it is and where that is said, and which side.',
    )
    .addOption(repeated('--header <line>', 'a header of the request: "Name: value"'))
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      examples(
        'strangler route POST /api/orders --header "X-User-Id: 4711"',
        'strangler route GET /api/orders/7 --header "Authorization: Bearer $TOKEN"',
      ),
    )
    .action(commands.route);

  const proxies = talking(program.command('proxies'))
    .description('Lists every registered proxy, and says which of them control cannot reach.')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      examples('strangler proxies', 'strangler proxies dismiss proxy-2 --reason "its host is gone"'),
    )
    .action(commands.proxies);
  talking(proxies.command('dismiss <name>'))
    .description('Says that a lost proxy does not run any more, so that nobody waits for it.')
    .option('--reason <text>', 'why; kept in the decision records')
    .addHelpText(
      'after',
      `
If it does run, it goes on sending writes by what it last knew: they end as late writes, and may end in quarantine.
${examples('strangler proxies dismiss proxy-2 --reason "its host is gone"')}`,
    )
    .action(commands.dismiss);

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
    .description('Prints the JSON Schema of the Plan, for editors, or what every field means.')
    .option('--markdown', 'a page for people, in Markdown')
    .addHelpText('after', examples('strangler schema > strangler.schema.json', 'strangler schema --markdown'))
    .action(commands.schema);

  addDatabases(program, exit);
  addComparing(program, exit);
  addProcesses(program, exit);
  return program;
}
