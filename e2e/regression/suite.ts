import { compareSuites, describeSuite, type SuiteReport } from '@strangler/compare';
import type { Servers } from '@strangler/servers';
import { CASES, RULES } from './cases.ts';
import { startTwoShops } from './two-shops.ts';

/** Runs the regression suite against monolith and services side by side. Throws with the differences if there are any. */
export async function regressionSuite(servers: Servers): Promise<SuiteReport> {
  const shops = await startTwoShops(servers, 'shop_regression');
  try {
    const report = await compareSuites(shops.legacy, shops.extracted, CASES, { rules: RULES });
    if (!report.agreed) throw new Error(`monolith and services do not answer alike\n${describeSuite(report)}`);
    return report;
  } finally {
    await shops.stop();
  }
}
