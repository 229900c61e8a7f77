import { beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import {
  type Case,
  compareSuites,
  htmlOf,
  junitOf,
  markdownOf,
  outcomeOf,
  type Rule,
  redactor,
  redactReport,
  reportMistake,
  type SuiteReport,
} from '../index.ts';

const HOSTILE = '</script><script>alert(1)</script>&"\'\u0000\ud800|`';

function shop(total: number | string, more: object = {}) {
  const app = express();
  app.get('/orders/:id', (request, response) => response.json({ id: Number(request.params.id), total, ...more }));
  app.get('/login', (_request, response) =>
    response.json({ token: `opaque-${total}`, mail: `ada+${total}@example.test` }),
  );
  app.get('/note', (_request, response) => response.json({ [HOSTILE]: total, note: `${HOSTILE}${total}` }));
  return app;
}

const get = (name: string, path: string): Case => ({ name, method: 'GET', path });
const cases = [
  get('an order', '/orders/7'),
  get('another <order>', '/orders/9'),
  get('log in', '/login'),
  get('note', '/note'),
];
const rules: Rule[] = [
  { id: 'dead', reason: 'nobody knows', path: '$.never', kind: 'ignore', owner: 'orders', until: '2999-01-01' },
];
let report: SuiteReport;

beforeAll(async () => {
  report = await compareSuites(shop(19.9), shop('19.90', { extra: true }), cases, { rules });
});

describe('the report of a suite', () => {
  test('counts by endpoint, groups what differs, and audits the rules', () => {
    expect(report.tally.routes.map(({ route, comparable, mismatches }) => [route, comparable, mismatches])).toEqual([
      ['GET /orders/{id}', 2, 2],
      ['GET /login', 1, 1],
      ['GET /note', 1, 1],
    ]);
    expect(report.tally.groups.slice(0, 1)).toMatchObject([
      { route: 'GET /orders/{id}', kind: 'type', path: '$.total', pairs: 2 },
    ]);
    expect(report.findings).toMatchObject([{ rule: 'dead', kind: 'dead', level: 'warning' }]);
    expect(JSON.parse(JSON.stringify(report)).cases).toHaveLength(4);
  });

  test('ends in an outcome: mismatch before failure, failure before too little', async () => {
    expect(outcomeOf(report)).toBe('mismatch');
    const same = await compareSuites(shop(1), shop(1), cases.slice(0, 2));
    expect(outcomeOf(same)).toBe('equal');
    expect(outcomeOf(same, 3)).toBe('insufficient');
    expect(outcomeOf(await compareSuites(shop(1), 'http://127.0.0.1:1', cases.slice(0, 1)))).toBe('failed');
    expect(outcomeOf(await compareSuites('http://127.0.0.1:1', shop(1), cases.slice(0, 1)))).toBe('insufficient');
    expect(outcomeOf(await compareSuites(shop(1), shop(1), []))).toBe('insufficient');
    const expired = [{ ...rules[0]!, until: '2020-01-01' }];
    expect(outcomeOf(await compareSuites(shop(1), shop(1), cases.slice(0, 1), { rules: expired }))).toBe('mismatch');
  });

  test('is JUnit’s XML for a CI server, whatever is in the replies', () => {
    const xml = junitOf(report, 'shop & co');
    expect(xml).toContain('<testsuite name="shop &amp; co" tests="4" failures="4" errors="0" skipped="0">');
    expect(xml).toContain('name="another &lt;order&gt;"');
    expect(xml).toContain('type="mismatch">$.total  type (high)');
    expect(xml).not.toMatch(/<script|(?![\n])\p{Cc}/u);
    expect(xml.match(/<testcase /g)).toHaveLength(4);
    expect(xml.match(/<failure /g)).toHaveLength(xml.match(/<\/failure>/g)!.length);
  });

  test('is Markdown for a pull request, of at most a mebibyte', async () => {
    const markdown = markdownOf(report);
    expect(markdown).toContain('❌ Old and new do not answer alike');
    expect(markdown).toContain('| high | ` GET /orders/{id} ` | ` $.total ` type | ` 19.9 ` | ` "19.90" ` | 2 |');
    expect(markdown).toContain('"kind": "numeric-string-is-number"');
    expect(
      markdown
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .every((line) => line.replaceAll('\\|', '').split('|').length === 8),
    ).toBe(true);
    const wide = (value: string) =>
      shop(1, Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`name ${n}`, value.repeat(500)])));
    const large = await compareSuites(wide('a'), wide('b'), cases.slice(0, 1));
    expect(large.cases[0]!.result.differences.length).toBe(900);
    expect(markdownOf(large).length).toBeLessThan(100_000);
    expect(markdownOf(large)).toContain('… and 850 more groups');
  });

  test('is one HTML file with samples side by side, a rule for each group and what it would have hidden', () => {
    const html = htmlOf(report, { title: HOSTILE });
    expect(html).toContain('<h1 class="mismatch">Old and new do not answer alike</h1>');
    expect(html).toContain('<pre class="old">19.9</pre><pre class="new">&quot;19.90&quot;</pre>');
    expect(html).toContain('a rule, and what it would have hidden');
    expect(html).not.toContain('alert(1)</script>');
    expect(html).not.toMatch(/(src|href)=|@import|url\(/);
    expect(html.match(/<script>/g)).toHaveLength(1);
    expect(html.match(/<details/g)).toHaveLength(html.match(/<\/details>/g)!.length);
  });

  test('has no markup in it but its own, whatever any of its texts, names and numbers became on the way', () => {
    const evil = '"><img src=x>';
    const spoilt = JSON.parse(JSON.stringify(report), (name, value) => {
      if (name === 'path') return `$['${evil}']`; // a path is walked, so it must be one
      return typeof value === 'string' || (typeof value === 'number' && name !== '') ? evil + value : value;
    });
    spoilt.counts = { ...spoilt.counts, [evil]: 1 };
    spoilt.noise = spoilt.tally.groups.map((group: object) => ({ group, refused: 'root' }));
    expect(htmlOf(spoilt, { title: 's' })).toContain('&lt;img src=x&gt;');
    expect(htmlOf(spoilt, { title: 's' })).not.toContain('<img');
  });

  test('read from a file is refused by name where an enum, a count or a path is none', () => {
    const stored = () => JSON.parse(JSON.stringify(report));
    expect(reportMistake(stored())).toBeUndefined();
    const spoil = (change: (report: SuiteReport & { tally: { groups: Record<string, unknown>[] } }) => void) => {
      const one = stored();
      change(one);
      return reportMistake(one);
    };
    expect(spoil(({ tally }) => Object.assign(tally.groups[0]!, { severity: 'worst' }))).toBe(
      'tally.groups[0].severity must be one of high, medium, low',
    );
    expect(spoil(({ cases: all }) => Object.assign(all[1]!.result, { kind: '<b>' }))).toContain('cases[1].result.kind');
    expect(spoil(({ findings }) => Object.assign(findings[0]!, { level: 'x' }))).toContain('findings[0].level');
    expect(spoil((one) => Object.assign(one, { counts: { equal: '1' } }))).toBe('counts must hold counts');
    expect([reportMistake(null), reportMistake([]), reportMistake({})]).toEqual([
      'must be an object',
      'must be an object',
      'counts must be an object',
    ]);
  });

  test('holds no secrets once it is redacted, in any of its forms', () => {
    const redacted = redactReport(report, redactor());
    const forms = [
      JSON.stringify(redacted),
      junitOf(redacted, 's'),
      markdownOf(redacted),
      htmlOf(redacted, { title: 's' }),
    ];
    for (const form of forms) for (const secret of ['opaque-19', 'ada+19']) expect(form).not.toContain(secret);
    expect(JSON.stringify(report)).toContain('opaque-19');
    expect(forms[0]).toContain('19.90');
  });
});
