import { doctor, type Finding } from '@strangler/cdc';
import type { Servers } from '@strangler/servers';
import { inSession } from '../faults/holding.ts';
import { conduitDatabases } from './addresses.ts';
import type { PlanInFile } from './plans.ts';

/** A fix of one may show another. */
const ROUNDS = 6;

/** What doctor said on the way, and the statements that were carried out because of it. */
export type Asked = { readonly findings: readonly Finding[]; readonly statements: readonly string[] };

/**
 * Does what doctor says of the tables, statement by statement, until nothing is left but what `strangler init` does, and
 * what the Plan may answer instead: that the application gives no value away twice.
 */
export async function doAsAsked(servers: Servers, { plan }: PlanInFile): Promise<Asked> {
  const [findings, statements]: [Finding[], string[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const found = (await doctor(plan)).filter(({ fix }) => !fix.includes('strangler init'));
    const left = found.filter(({ fix }) => !fix.includes('distinct: [['));
    findings.push(...found);
    if (!left.length) return { findings, statements };
    for (const finding of left) {
      for (const statement of statementsIn(finding).filter((one) => !statements.includes(one))) {
        await carryOut(servers, statement);
        statements.push(statement);
      }
    }
  }
  throw new Error(`doctor still asks for more: ${findings.at(-1)!.what} (${findings.at(-1)!.fix})`);
}

/** The statements of a fix; what is behind -- is another way out, or what the application must see to. */
const statementsIn = ({ what, fix }: Finding): string[] => {
  if (!/^[A-Z]+ /.test(fix)) throw new Error(`nothing to carry out: ${what} (${fix})`);
  return fix
    .replace(/ -- .*$/s, '')
    .split(/;(?: |$)/)
    .filter(Boolean);
};

/** Carries a statement out where its quotes say that it belongs. */
async function carryOut(servers: Servers, statement: string): Promise<void> {
  const { monolith, articles } = conduitDatabases(servers);
  const { admin } = statement.includes('`') ? monolith : articles;
  await inSession(admin, (session) => session.query(statement));
}
