import { type SurveyReport, survey } from '@strangler/cdc';
import type { Plan } from '@strangler/plan';

/** Longer than anything that is done meanwhile, ms. */
const AT_MOST_MS = 600_000;

/** Surveys capabilities while this is being done, and ends with it. */
export async function surveyDuring(
  plan: Plan,
  capabilities: readonly string[],
  work: () => Promise<unknown>,
  control?: string,
): Promise<SurveyReport[]> {
  const ending = new AbortController();
  const begun = Promise.withResolvers<void>();
  const surveying = survey(plan, capabilities, {
    ...{ milliseconds: AT_MOST_MS, control, signal: ending.signal },
    progress: () => {},
    onBegun: begun.resolve,
  });
  await Promise.race([begun.promise, surveying]);
  await work().finally(() => ending.abort());
  return surveying;
}

/** Surveys so, and throws if anything is unexplained: then nobody would leave the monolith. */
export async function surveyClean(...how: Parameters<typeof surveyDuring>): Promise<void> {
  for (const { capability, changes, undeclared, findings } of await surveyDuring(...how)) {
    if (undeclared || !changes)
      throw new Error(
        `the survey of ${capability}: ${undeclared} of ${changes} changes unexplained: ${JSON.stringify(findings)}`,
      );
  }
}
