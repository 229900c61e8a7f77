import { readFile, rename, writeFile } from 'node:fs/promises';
import {
  type Hidden,
  propose,
  REFUSAL_PHRASES,
  type Report,
  type Rule,
  validateRules,
  whatItHides,
} from '@strangler/compare';
import { AdminClient } from './admin-client.ts';
import { connectionOf, type Where } from './connection.ts';
import { reportOf } from './live-report.ts';
import { EXIT, Problem } from './problem.ts';
import { readReport } from './rules-file.ts';
import { inert, print } from './text.ts';

export type SuggestOptions = Where & {
  from?: string;
  group?: string;
  write?: string;
  reason?: string;
  owner?: string;
  until?: string;
  json?: true;
};

/** A rule for one group of differences or of noise, by the group’s id. */
type Suggestion = { readonly group: string; readonly rule: Rule; readonly hides: readonly Hidden[] };

/** Proposes rules for what a report or control has found, with what each would have hidden; may write one to a file. */
export async function suggestRules(file: string | undefined, options: SuggestOptions): Promise<void> {
  const { from, group, write } = options;
  if ((file === undefined) === (from === undefined)) {
    throw new Problem('name a report, or with --from the capability that is compared live', EXIT.usage);
  }
  if (write !== undefined && group === undefined) {
    throw new Problem('--write needs --group ID: one rule at a time, each for its own reason', EXIT.usage);
  }
  const report = file === undefined ? await liveReport(from!, options) : await readReport(file);
  const found = group === undefined ? unique(suggestionsIn(report)) : [suggestionFor(report, group)];
  const suggestions = found.map((one) => ({ ...one, rule: signed(one.rule, options) }));
  if (write !== undefined) return addRule(write, suggestions[0]!, options);
  if (options.json)
    return console.log(
      JSON.stringify(
        suggestions.map(({ rule }) => rule),
        undefined,
        2,
      ),
    );
  if (!suggestions.length) print('nothing differs that a rule could excuse');
  for (const suggestion of suggestions) describe(suggestion);
  if (group !== undefined) print(`Accept it with: --write FILE --reason TEXT --owner NAME --until DAY`);
}

async function liveReport(capability: string, where: Where): Promise<Report> {
  return reportOf(await new AdminClient(connectionOf(where)).compared(capability), new Date());
}

/** Noise first: its rules know the range of what drifts. */
function suggestionsIn({ tally: { groups }, noise = [] }: Report): Suggestion[] {
  return [
    ...noise.flatMap(({ group, proposal }) =>
      proposal ? [{ group: group.id, rule: proposal, hides: whatItHides(proposal, groups) }] : [],
    ),
    ...groups.flatMap((group) => {
      const proposal = propose(group, groups);
      return proposal ? [{ group: group.id, ...proposal }] : [];
    }),
  ];
}

function suggestionFor(report: Report, id: string): Suggestion {
  const found = suggestionsIn(report).find(({ group }) => group === id);
  if (found) return found;
  const known = [...report.tally.groups, ...(report.noise ?? []).map(({ group }) => group)];
  const refused = report.noise?.find(({ group }) => group.id === id)?.refused;
  const why = refused === undefined ? '' : `: ${REFUSAL_PHRASES[refused]}`;
  if (known.some((group) => group.id === id)) throw new Problem(`no rule should hide group ${id}${why}`);
  throw new Problem(
    `there is no group ${inert(id)}; there are: ${known.map((group) => group.id).join(', ') || 'none'}`,
  );
}

const unique = (all: readonly Suggestion[]): Suggestion[] => [
  ...new Map(all.toReversed().map((one) => [JSON.stringify(one.rule), one])).values().toArray().toReversed(),
];

const signed = (rule: Rule, { reason, owner, until }: SuggestOptions): Rule => ({
  ...rule,
  ...(reason !== undefined && { reason }),
  ...(owner !== undefined && { owner }),
  ...(until !== undefined && { until }),
});

function describe({ group, rule, hides }: Suggestion): void {
  print(`group ${group}: ${JSON.stringify(rule)}`);
  for (const { route, kind, path, differences, samples, of } of hides) {
    const part = samples < of ? ` (${samples} of ${of} samples)` : '';
    print(`  would have hidden ${path} ${kind} in ${route}, ${differences} times${part}`);
  }
}

/** Adds a rule to a file of rules, which need not be there yet. */
async function addRule(file: string, suggestion: Suggestion, { from, reason }: SuggestOptions): Promise<void> {
  const { rule } = suggestion;
  if (reason === undefined && rule.usual === undefined) {
    throw new Problem('--write needs --reason TEXT: it is kept in the file, for whoever meets the rule', EXIT.usage);
  }
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '[]';
    throw new Problem(`${file} cannot be read: ${cause.message}`, EXIT.usage, { cause });
  });
  let rules: readonly Rule[];
  try {
    const present: unknown = JSON.parse(text);
    rules = validateRules(Array.isArray(present) ? [...present, rule] : present);
  } catch (cause) {
    throw new Problem(`${file} was left as it is: ${(cause as Error).message}`, EXIT.usage, { cause });
  }
  await writeFile(`${file}.new`, `${JSON.stringify(rules, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
  describe(suggestion);
  print(`${file} has it now, as the last of ${rules.length}.`);
  if (from !== undefined)
    print(`Proxies that read this file notice it by themselves. Then begin again: strangler compared ${from} --forget`);
}
