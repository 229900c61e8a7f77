import { type Report, type Rule, reportMistake, validateRules } from '@strangler/compare';
import { EXIT, Problem } from './problem.ts';
import { readJson } from './read-json.ts';

/** What `strangler compare --json` or `strangler compared --json` has written. Throws a Problem. */
export async function readReport(file: string): Promise<Report> {
  const report = await readJson(file);
  const mistake = reportMistake(report);
  if (mistake === undefined) return report as Report;
  throw new Problem(
    `${file} is no report (${mistake}): make one with strangler compare … --json ${file}, or strangler compared CAPABILITY --json > ${file}`,
    EXIT.usage,
  );
}

/** Rules as they stand in a file. Throws a Problem that names every mistake. */
export async function readRules(file: string): Promise<readonly Rule[]> {
  const rules = await readJson(file);
  try {
    return validateRules(rules);
  } catch (cause) {
    throw new Problem(`${file}: ${(cause as Error).message}`, EXIT.usage, { cause });
  }
}
