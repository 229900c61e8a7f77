import { writeFile } from 'node:fs/promises';
import {
  auditRules,
  type Case,
  compareSuites,
  describeSuite,
  htmlOf,
  junitOf,
  markdownOf,
  OUTCOME_CODES,
  outcomeOf,
  type RuleFinding,
  redactor,
  redactReport,
  ruleSet,
  type SuiteReport,
} from '@strangler/compare';
import { EXIT, Problem } from './problem.ts';
import { readJson } from './read-json.ts';
import { readReport, readRules } from './rules-file.ts';
import { print } from './text.ts';

export type CompareCommandOptions = ReportOptions & {
  suite: string;
  rules?: string;
  header: readonly string[];
};

/** Asks both sides the same, and returns the exit code: 0 equal, 1 mismatch, 2 a side or the tool failed, 3 too little. */
export async function compare(oldUrl: string, newUrl: string, options: CompareCommandOptions): Promise<number> {
  return await failingWith2(() => compareSides(oldUrl, newUrl, options));
}

/** Any failure becomes exit code 2, whatever it was: 1 is for sides that do not answer alike. */
export async function failingWith2(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (cause) {
    throw cause instanceof Problem ? cause : new Problem((cause as Error).message, OUTCOME_CODES.failed, { cause });
  }
}

async function compareSides(oldUrl: string, newUrl: string, options: CompareCommandOptions): Promise<number> {
  const urls = [oldUrl, newUrl].map(readUrl);
  const cases = await readCases(options.suite);
  const rules = options.rules === undefined ? [] : await readRules(options.rules);
  const whole = await compareSuites(urls[0]!, urls[1]!, cases, { rules, headers: options.header });
  const secretsOut = redactor();
  const report = redactReport(whole, secretsOut);
  const title = secretsOut.text(`${oldUrl} and ${newUrl}`);
  print(describeSuite(report));
  for (const finding of report.findings) print(`\n${describeFinding(finding)}`);
  return await writeReports(report, { ...options, name: 'strangler compare', title });
}

/** Where reports go, and how much must agree. */
export type ReportOptions = {
  minimum?: number;
  junit?: string;
  json?: string;
  html?: string;
  summary?: string;
};

/** Writes the reports that are asked for, and returns the exit code. The report must be redacted. */
export async function writeReports(
  report: SuiteReport,
  { name, title, minimum, ...files }: ReportOptions & { name: string; title: string },
): Promise<number> {
  if (files.junit !== undefined) await writeFile(files.junit, junitOf(report, name));
  if (files.json !== undefined) await writeFile(files.json, JSON.stringify(report));
  if (files.html !== undefined) await writeFile(files.html, htmlOf(report, { title, minimum }));
  const summary = files.summary ?? process.env.GITHUB_STEP_SUMMARY;
  if (summary) await writeFile(summary, markdownOf(report, minimum), { flag: 'a' });
  return OUTCOME_CODES[outcomeOf(report, minimum)];
}

/** Prints what is wrong with the rules, by themselves or by what they excused; returns 1 if something must not stay so. */
export async function lintRules(file: string, { report }: { report?: string }): Promise<number> {
  const set = ruleSet(await readRules(file));
  const findings = report === undefined ? auditRules(set) : (await readReport(report)).findings;
  for (const finding of findings) print(describeFinding(finding));
  const failures = findings.filter(({ level }) => level === 'failure').length;
  print(`${set.rules.length} rules: ${failures} failures, ${findings.length - failures} warnings`);
  return failures > 0 ? EXIT.failed : EXIT.done;
}

/** Prints what each rule, or one of them, is for, and what it excused in a report. */
export async function explainRules(file: string, report: string, id: string | undefined): Promise<void> {
  const rules = await readRules(file);
  const wanted = id === undefined ? rules : rules.filter((rule) => rule.id === id);
  if (wanted.length === 0) {
    throw new Problem(`${file} has no rule "${id}"; it has ${rules.map((rule) => rule.id).join(', ')}`, EXIT.usage);
  }
  const { cases = [], rules: live = [] } = await readReport(report);
  for (const rule of wanted) {
    const until = rule.until === undefined ? 'for ever' : `until ${rule.until}`;
    print(`${rule.id}: ${rule.kind} at ${rule.path}, ${until}, owner ${rule.owner ?? 'nobody'}\n  ${rule.reason}`);
    const excused = cases.flatMap(({ name, result }) =>
      result.excused.filter((one) => one.rule === rule.id).map((one) => ({ name, ...one })),
    );
    const beside = Object.entries(live.find((one) => one.rule.id === rule.id)?.excused ?? {});
    if (excused.length + beside.length === 0) print('  excused nothing');
    for (const [what, count] of beside) print(`  excused ${what}, ${count} times`);
    for (const { name, kind, path, count, old, new: newer } of excused) {
      print(
        `  without it, "${name}" would fail: ${path} ${kind}, ${count} times, ${old ?? 'absent'} → ${newer ?? 'absent'}`,
      );
    }
  }
}

/** What an audit found, as a line. */
export const describeFinding = ({ rule, level, kind, message }: RuleFinding) =>
  `${level}: rule ${rule} is ${kind}: ${message}`;

/** Throws a Problem if it is no base URL of a side. */
export function readUrl(text: string): string {
  if (URL.canParse(text) && /^https?:\/\//.test(text)) return text;
  throw new Problem(`${text} is no address of a side: write it as http://HOST:PORT`, EXIT.usage);
}

async function readCases(file: string): Promise<readonly Case[]> {
  const content = await readJson(file);
  if (!Array.isArray(content))
    throw new Problem(`${file} must hold a list of cases: [{"name", "method", "path"}]`, EXIT.usage);
  const wrong = content.findIndex(
    (one) => ![one?.name, one?.method, one?.path].every((text) => typeof text === 'string' && text !== ''),
  );
  if (wrong >= 0)
    throw new Problem(`case ${wrong + 1} of ${file} needs a name, a method and a path, all texts`, EXIT.usage);
  return content as Case[];
}
