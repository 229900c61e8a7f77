import type { Command } from 'commander';
import * as comparing from './comparing.ts';
import { examples, readBytes, readCount, readTime, repeated, sized, talking } from './options.ts';
import * as recording from './recording.ts';
import * as replaying from './replaying.ts';
import { suggestRules } from './suggesting.ts';

/** Adds what compares old and new without control; `exit` receives the code. */
export function addComparing(program: Command, exit: (code: number) => void): void {
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
      .command('compare <old-url> <candidate-url>')
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
    .action(async (oldUrl, candidateUrl, options) => exit(await comparing.compare(oldUrl, candidateUrl, options)));
  program
    .command('record <url>')
    .description('Passes requests on to a server and writes them and its replies into a HAR file, without secrets.')
    .requiredOption('--listen <host:port>', 'where requests come in', recording.readListen)
    .requiredOption('--out <file>', 'the recording, a HAR file that must not exist yet')
    .option('--candidate <url>', 'ask reads of this server too, and keep both replies; writes never go there')
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
        'strangler record $OLD --listen :8080 --out shop.har --candidate $NEW --redact phone --keep 3d',
      )}`,
    )
    .action(async (url, options) => exit(await recording.record(url, options)));
  reporting(
    program
      .command('replay <file> <old-url> <candidate-url>')
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
Instead of OLD-URL the word "recorded" takes the replies of the recording, instead of CANDIDATE-URL the word "candidate" those
that strangler record --candidate has kept.

Exit codes: 0 equal, 1 mismatch, 2 the tool or a side failed, 3 too little could be compared, 130 stopped with Ctrl-C.
${examples(
  'strangler replay shop.har http://localhost:3000 http://localhost:3001 --speed max',
  'strangler replay shop.har $OLD $NEW --writes --rules rules.json --html report.html --users users.json',
  'strangler replay shop.har recorded candidate',
)}`,
    )
    .action(async (file, oldUrl, candidateUrl, options) =>
      exit(await replaying.replay(file, oldUrl, candidateUrl, options)),
    );
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
    .option('--group <id>', 'only for this group; its id is in strangler compared and in the HTML report')
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
}
