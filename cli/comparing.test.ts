import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Case, Rule, SuiteReport } from '@strangler/compare';
import { CommandLine } from './testing/command-line.ts';

const line = new CommandLine();

/** A side whose order has this total; gives its URL. */
const side = (total: number | string): Promise<string> =>
  line.serve((request, reply) => {
    const found = request.url === '/orders/7';
    reply.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    reply.end(
      JSON.stringify(found ? { id: 7, total, token: 'opaque-secret', mail: 'ada@example.test' } : { error: 'none' }),
    );
  });

const cases: Case[] = [
  { name: 'an order', method: 'GET', path: '/orders/7' },
  { name: 'no order', method: 'GET', path: '/orders/8' },
];
const texts: Rule = {
  id: 'texts',
  reason: 'pg gives texts',
  path: '$.total',
  kind: 'numeric-string-is-number',
  owner: 'orders',
  until: '2999-01-01',
};

beforeEach(async () => {
  await line.write('cases.json', cases);
  await line.write('rules.json', [texts]);
});

const strangler = (...given: string[]) => line.run(...given);
const read = (name: string) => line.read(name);

/** Compares a side whose total is 5 with one whose total is this, under the rules. */
const underRules = async (total: number | string) =>
  strangler('compare', await side(5), await side(total), '--suite', 'cases.json', '--rules', 'rules.json');

describe('strangler compare', () => {
  test('ends with 0 where both sides answer alike, under the rules', async () => {
    const { code, out } = await underRules('5.00');
    expect(out).toBe('2 cases: 1 equal, 1 equal-by-rule\n');
    expect(code).toBe(0);
  });

  test('ends with 1 where they do not, says what differs, and writes every report without secrets', async () => {
    const files = ['--junit', 'junit.xml', '--json', 'report.json', '--html', 'report.html'];
    const { code, out } = await strangler(
      'compare',
      await side(5),
      await side('5.01'),
      '--suite',
      'cases.json',
      ...files,
    );
    expect(code).toBe(1);
    expect(out).toContain('an order (GET /orders/7)');
    expect(out).toContain('$.total  type (high)');
    expect(await read('junit.xml')).toContain('<failure message="The new reply differs from the old one"');
    expect(await read('report.html')).toContain('Old and new do not answer alike');
    expect(await read('summary.md')).toContain('| high | ` GET /orders/{id} ` |');
    expect((JSON.parse(await read('report.json')) as SuiteReport).counts.mismatch).toBe(1);
    for (const name of ['junit.xml', 'report.json', 'report.html', 'summary.md']) {
      expect(await read(name)).not.toMatch(/opaque-secret|ada@/);
    }
  });

  test('ends with 2 where the candidate does not answer, or it is used wrongly', async () => {
    const old = await side(5);
    expect((await strangler('compare', old, 'http://127.0.0.1:1', '--suite', 'cases.json')).code).toBe(2);
    const noSuite = await strangler('compare', old, old, '--suite', 'nowhere.json');
    expect([noSuite.code, noSuite.err]).toEqual([2, expect.stringContaining('nowhere.json cannot be read')]);
    await line.write('rules.json', [{ ...texts, kind: 'hide' }]);
    const wrongRules = await strangler('compare', old, old, '--suite', 'cases.json', '--rules', 'rules.json');
    expect([wrongRules.code, wrongRules.err]).toEqual([2, expect.stringContaining('kind "hide" is unknown')]);
    expect((await strangler('compare', old, 'localhost:1', '--suite', 'cases.json')).err).toContain('http://HOST:PORT');
    await line.write('cases.json', [{ name: 'x', method: 'get', path: 'y' }]);
    const wrongCases = await strangler('compare', old, old, '--suite', 'cases.json');
    expect([wrongCases.code, wrongCases.err]).toEqual([2, expect.stringContaining('must begin with /')]);
  });

  test('ends with 3 where too little could be compared', async () => {
    const old = await side(5);
    expect((await strangler('compare', 'http://127.0.0.1:1', old, '--suite', 'cases.json')).code).toBe(3);
    expect((await strangler('compare', old, old, '--suite', 'cases.json', '--minimum', '3')).code).toBe(3);
  });
});

describe('strangler rules', () => {
  const report = async (newTotal: number | string) => {
    const files = ['--suite', 'cases.json', '--rules', 'rules.json', '--json', 'report.json'];
    await strangler('compare', await side(5), await side(newTotal), ...files);
  };

  test('lint names dead rules of a report, and ends with 1 for an expired one', async () => {
    await report(5);
    const dead = await strangler('rules', 'lint', 'rules.json', '--report', 'report.json');
    expect(dead.out).toContain('warning: rule texts is dead');
    expect(dead.code).toBe(0);
    await line.write('rules.json', [{ ...texts, until: '2020-01-01' }]);
    const expired = await strangler('rules', 'lint', 'rules.json');
    expect(expired.out).toContain('failure: rule texts is expired');
    expect(expired.code).toBe(1);
  });

  test('suggest gives rules under which the suite then agrees', async () => {
    await line.write('rules.json', '[]');
    await report('5.00');
    const { out } = await strangler('rules', 'suggest', 'report.json');
    expect(out).toContain('"kind":"numeric-string-is-number"');
    expect(out).toContain('would have hidden $.total type in GET /orders/{id}, 1 times');
    await line.write('rules.json', (await strangler('rules', 'suggest', 'report.json', '--json')).out);
    const again = await underRules('5.00');
    expect(again.code).toBe(0);
  });

  test('a report in which an enum is none, or a text would move the cursor, is refused by name and inertly', async () => {
    await strangler('compare', await side(5), await side(6), '--suite', 'cases.json', '--json', 'report.json');
    const report = JSON.parse(await read('report.json')) as SuiteReport;
    const { groups } = report.tally;
    await line.write('bad.json', {
      ...report,
      tally: { ...report.tally, groups: [{ ...groups[0], severity: '\u001b[2J' }] },
    });
    const refused = await strangler('rules', 'suggest', 'bad.json');
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringContaining('bad.json is no report (tally.groups[0].severity must be one of high, medium, low)'),
    ]);
    const missing = await strangler('rules', 'suggest', '\u001b[2J\u009b.json');
    expect([missing.code, missing.err]).toEqual([2, expect.not.stringMatching(/(?!\n)\p{Cc}/u)]);
  });

  test('explain says which cases would fail without a rule', async () => {
    await report('5.00');
    const { out } = await strangler('rules', 'explain', 'rules.json', 'report.json', 'texts');
    expect(out).toContain(
      'texts: numeric-string-is-number at $.total, until 2999-01-01, owner orders\n  pg gives texts\n',
    );
    expect(out).toContain('without it, "an order" would fail: $.total type, 1 times, 5 → "5.00"');
    const unknown = await strangler('rules', 'explain', 'rules.json', 'report.json', 'nobody');
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('it has texts')]);
  });
});
