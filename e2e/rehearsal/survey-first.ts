import { join } from 'node:path';
import { loadPlan } from '@strangler/plan';
import { surveyClean } from '../survey/survey-during.ts';
import { ROOT } from './addresses.ts';
import type { LiveTraffic } from './traffic.ts';

/** Surveys the shop while the first customers buy, up to this share of the purchases: nobody leaves the monolith before. */
export async function surveyFirst(
  traffic: Pick<LiveTraffic, 'open' | 'reached'>,
  upTo: number,
  env: Record<string, string>,
): Promise<void> {
  const plan = loadPlan(join(ROOT, 'strangler.yaml'), { ...process.env, ...env });
  await surveyClean(plan, Object.keys(plan.capabilities), async () => {
    traffic.open(upTo);
    await traffic.reached(upTo);
  });
}
