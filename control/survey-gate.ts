import { type askedOf, changedSince, type SurveyFinding, sayChange, undeclaredIn } from '@strangler/plan';
import type { SyncReport } from './gates.ts';
import type { CapabilityState } from './state.ts';

/** Findings named in a gate; the rest is counted. */
const NAMED = 3;

/**
 * What keeps the first users from leaving the monolith: that nobody has looked whether the split follows the data, or that
 * it does not. Only while everybody is there: once somebody has moved it is too late to ask, and nothing keeps anybody
 * from moving back. A pure sync splits nobody, and a pure split has no rows of users.
 */
export function surveyGates(
  name: string,
  capability: Parameters<typeof askedOf>[0],
  { boundary, pins }: Pick<CapabilityState, 'boundary' | 'pins'>,
  report: SyncReport | undefined,
): string[] {
  const { tables, routes } = capability;
  const owned = Object.keys(tables).filter((table) => !tables[table]!.shared); // which anybody writes, on either side
  if (!owned.length || !routes.length || !report) return [];
  if (boundary > 0 || Object.values(pins).includes('service')) return [];
  const { surveyed } = report;
  const next = `run strangler survey ${name} while users are at work`;
  if (!surveyed) return [`nothing has been surveyed yet; ${next}`];
  const unseen = owned.filter((table) => !Object.hasOwn(surveyed.detail.tables, table));
  if (unseen.length) return [`${unseen.join(', ')} came into the Plan after the last survey; ${next}`];
  const changed = changedSince(surveyed.detail.asked, capability);
  if (changed.length) return [`${changed.join(', ')} of ${name} in the Plan changed after the last survey; ${next}`];
  const { unknown } = surveyed.detail;
  if (unknown > surveyed.changes) {
    return [`the last survey could not tell of ${unknown} of ${unknown + surveyed.changes} changes; ${next}`];
  }
  const undeclared = undeclaredIn(tables, surveyed.detail);
  if (!undeclared.length) return [];
  const count = undeclared.reduce((sum, one) => sum + one.count, 0);
  return [
    `the last survey found ${count} of ${surveyed.changes} changes that no request of the row’s user explains and the Plan ` +
      `does not declare: ${sayFindings(undeclared)}; the report of strangler survey ${name} says what answers each`,
  ];
}

function sayFindings(findings: readonly SurveyFinding[]): string {
  const named = findings.slice(0, NAMED).map((one) => `${one.count} × ${one.table}, ${sayChange(one)}`);
  if (findings.length > NAMED) named.push(`and ${findings.length - NAMED} more kinds`);
  return named.join('; ');
}
