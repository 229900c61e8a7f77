import type { Redactor } from './redact.ts';
import type { SuiteReport } from './suite.ts';

/** The report as it may be stored or shown: samples, reasons and paths without secrets. */
export function redactReport(report: SuiteReport, redactor: Redactor): SuiteReport {
  const samples = <S extends { readonly old: string | undefined; readonly new: string | undefined }>(
    path: string,
    item: S,
  ): S => ({
    ...item,
    old: item.old === undefined ? undefined : redactor.sample(path, item.old),
    new: item.new === undefined ? undefined : redactor.sample(path, item.new),
  });
  return {
    ...report,
    cases: report.cases.map((one) => ({
      ...one,
      path: redactor.url(one.path),
      result: {
        ...one.result,
        differences: one.result.differences.map((difference) => samples(difference.path, difference)),
        excused: one.result.excused.map((excused) => samples(excused.path, excused)),
        ...(one.result.reason !== undefined && { reason: redactor.text(one.result.reason) }),
      },
    })),
    tally: {
      ...report.tally,
      groups: report.tally.groups.map((group) => ({
        ...group,
        samples: group.samples.map((sample) => samples(group.path, sample)),
      })),
    },
  };
}
