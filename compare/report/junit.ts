import { isAgreed, type ResultKind } from '../engine/compare-replies.ts';
import { describeResult } from './describe.ts';
import type { CaseReport, SuiteReport } from './report.ts';
import { caseCount } from './report.ts';

/** The report in the XML that CI servers read: a mismatch is a failure, a side that failed an error, the rest skipped. */
export function junitOf(report: SuiteReport, name: string): string {
  const { counts, cases } = report;
  const errors = counts['candidate-error'] + counts['candidate-timeout'];
  const skipped = counts['not-comparable'] + counts.dropped + counts.truncated;
  const attributes = { name, tests: caseCount(counts), failures: counts.mismatch, errors, skipped };
  const lines = cases.map((one) => testCase(one, name));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${written(attributes)}>\n<testsuite ${written(attributes)}>\n${lines.join('\n')}\n</testsuite>\n</testsuites>\n`;
}

const ELEMENTS: Partial<Record<ResultKind, string>> = {
  mismatch: 'failure',
  'candidate-error': 'error',
  'candidate-timeout': 'error',
};

function testCase({ name, method, path, result }: CaseReport, suite: string): string {
  const attributes = written({ classname: `${suite}.${method} ${path}`, name });
  if (isAgreed(result.kind)) return `<testcase ${attributes}/>`;
  const [message = '', ...rest] = describeResult(result).split('\n');
  const element = ELEMENTS[result.kind] ?? 'skipped';
  const body = element === 'skipped' ? '' : escaped(rest.join('\n').trim());
  return `<testcase ${attributes}><${element} ${written({ message, type: result.kind })}>${body}</${element}></testcase>`;
}

const written = (attributes: Readonly<Record<string, string | number>>) =>
  Object.entries(attributes)
    .map(([name, value]) => `${name}="${escaped(String(value)).replace(/[\n\r\t]/g, ' ')}"`)
    .join(' ');

/** What XML 1.0 has no way to write, but for tabs and line ends: control characters and halves of characters. */
const NOT_XML = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\ufffe\uffff]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in XML and HTML, in attributes too. */
export const escaped = (text: string): string =>
  text.replace(NOT_XML, '\ufffd').replace(/[&<>"']/g, (character) => ENTITIES[character]!);
