import { verify } from '@strangler/cdc';
import type { CapabilityStatus } from '@strangler/plan';
import { chanceOf } from '../chance.ts';
import { look, rollback, until } from '../faults/operator.ts';
import { at, PORTS } from '../rehearsal/addresses.ts';
import { strangler } from '../rehearsal/processes.ts';
import { say } from '../rehearsal/screen.ts';
import { surveyClean } from '../survey/survey-during.ts';
import { CAPABILITY, conduitDatabases, conduitEnvironment } from './addresses.ts';
import { doAsAsked } from './asked.ts';
import { type Audit, audit } from './audit.ts';
import { byCause } from './explained.ts';
import { lookFirst } from './first-look.ts';
import { type Kill, Kills } from './kills.ts';
import { moveTo, readKept, startOperator } from './operator.ts';
import { draftPlan, finalPlan, MOST_LINES, type PlanInFile, planLines } from './plans.ts';
import { applicationsOf, toolkitOf } from './programs.ts';
import { onStage, type Stage, stopAtTheEnd } from './stage.ts';
import { supervise } from './supervise.ts';
import { startTown, type Town } from './town.ts';
import { type Evidence, TRAPS } from './traps.ts';

/** What a run has found out. */
export type Result = {
  readonly audit: Audit;
  readonly kills: readonly Kill[];
  readonly causes: ReturnType<typeof byCause>;
  readonly town: Pick<Town, 'ledger' | 'deeds'>;
  /** What is wrong; empty after a perfect run. */
  readonly mistakes: readonly string[];
};

const COPIED_WITHIN_MS = 180_000;
const AUDITED_WITHIN_MS = 90_000;
/** What people do before the first survey ends, and between two moves. */
const SURVEYED_DEEDS = 100;
const DEEDS_A_STEP = 40;

/** The whole of it: asks Conduit as it was, does as asked, moves everybody there and back under load and kills, and audits. */
export const conduit = (seed: number, signal: AbortSignal): Promise<Result> =>
  onStage(signal, (stage) => play(stage, seed));

async function play(stage: Stage, seed: number): Promise<Result> {
  const { servers, timed, signal, atTheEnd } = stage;
  const env = conduitEnvironment(servers);
  const evidence = await timed('Conduit as it was: two surveys and doctor', () => lookFirst(servers));
  const plan = finalPlan(env);
  const lines = planLines();
  const asked = applicationsOf(servers, 'as-asked');
  stopAtTheEnd([asked.articles, asked.monolith], atTheEnd);
  const said = await timed('the applications and their tables as asked', async () => {
    for (const one of Object.values(stage.applications)) await one.stop();
    await Promise.all([asked.monolith.start(), asked.articles.start()]);
    const { statements, findings } = await doAsAsked(servers, draftPlan(env, 'third'));
    for (const statement of statements) say(`  ${statement}`);
    return findings;
  });
  const missed = missedIn({ ...evidence, doctor: [...evidence.doctor, ...said] });
  if (lines > MOST_LINES) missed.push(`the Plan has ${lines} lines, and was to have ${MOST_LINES} at most`);
  await timed(
    `the Plan answers each trap in ${lines} lines: init accepts it, and doctor finds nothing to fix`,
    async () => {
      await strangler(['init', '--plan', plan.file, '--apply', '--create-users'], env);
      const content = await strangler(['doctor', '--plan', plan.file], env);
      if (content.trim() !== 'nothing to fix') throw new Error(`doctor is not content: ${content}`);
    },
  );
  const toolkit = toolkitOf(servers, plan.file);
  stopAtTheEnd([...toolkit.proxies, toolkit.control, toolkit.cdc], atTheEnd);
  await timed('existing rows are copied and verified', async () => {
    await Promise.all([toolkit.cdc.start(), toolkit.control.start()]);
    await Promise.all(toolkit.proxies.map((proxy) => proxy.start()));
    await until('the copy', CAPABILITY, COPIED_WITHIN_MS, isCopied);
    await strangler(['verify', CAPABILITY, '--plan', plan.file], env);
  });
  atTheEnd(supervise([...toolkit.proxies, toolkit.control, toolkit.cdc, asked.articles], signal));
  const town = startTown(stage.people, seed, conduitDatabases(servers).monolith.admin);
  atTheEnd(() => town.stop());
  await timed('surveyed again under load: every change is explained or declared', () =>
    surveyClean(plan.plan, [CAPABILITY], () => town.more(SURVEYED_DEEDS), at(PORTS.control)),
  );
  const stopOperator = startOperator(plan, env);
  atTheEnd(stopOperator);
  const kills = new Kills(chanceOf(seed, 'kills'), signal);
  await thereAndBack(stage, town, kills, { ...toolkit, articles: asked.articles });
  await town.stop();
  const books = await timed('both databases are held against what was acknowledged', () =>
    audit(servers, town.ledger, AUDITED_WITHIN_MS),
  );
  const { causes, mistakes } = await timed('what was overwritten, late or declared is explained', () => explain(plan));
  await stopOperator();
  const { mismatches, violations } = await timed('strangler verify looks for itself', () =>
    verify(plan.plan, CAPABILITY),
  );
  return {
    ...{ audit: books, kills: kills.all, causes, town },
    mistakes: [
      ...missed,
      ...books.mistakes,
      ...town.ledger.complaints,
      ...mistakes,
      ...(mismatches + violations ? [`verify: ${mismatches} mismatches, ${violations} orphans and doubles`] : []),
    ],
  };
}

/** Says of each trap who has named it; gives those that nobody did. */
const missedIn = (evidence: Evidence): string[] =>
  TRAPS.flatMap((trap) => {
    const isNamed = trap.isNamed(evidence);
    say(`  ${isNamed ? '✓' : '✗'} ${trap.by}: ${trap.name}`);
    return isNamed ? [] : [`${trap.by} did not find this: ${trap.name}`];
  });

const isCopied = ({ backfill, streams }: CapabilityStatus): boolean =>
  backfill.length > 0 &&
  backfill.every(({ finished }) => finished) &&
  streams.every(({ state, lag }) => state === 'running' && lag !== null);

type Victims = ReturnType<typeof toolkitOf> & Pick<ReturnType<typeof applicationsOf>, 'articles'>;

/** 0 → 100 → 0 % under load, and once more to 100 % each time the judge has taken everybody back. */
async function thereAndBack({ timed, signal }: Stage, town: Town, kills: Kills, victims: Victims): Promise<void> {
  const { proxies, control, cdc, articles } = victims;
  const isDown = () => kills.down !== '';
  const step = (title: string, percent: number, kill: () => Promise<void> = async () => {}) =>
    timed(title, async () => {
      await Promise.all([moveTo(percent, signal, isDown), kill()]);
      await moveTo(percent, signal);
      await town.more(DEEDS_A_STEP);
    });
  await step('1 % of the users on the service', 1);
  await step('10 %', 10);
  await step('25 %, and a proxy dies', 25, () => kills.process('proxy', proxies[1]));
  await step('50 %, and control dies', 50, () => kills.process('control', control));
  await step('100 %, and cdc dies', 100, () => kills.process('cdc', cdc));
  await step('100 %, and Kafka dies', 100, () => kills.server('Kafka', 'kafka'));
  await step('100 %, and the service dies', 100, () => kills.process('the service', articles));
  await step('100 %, and its Postgres dies', 100, () => kills.server('Postgres', 'postgres'));
  await timed('0 %: everybody back on the monolith', async () => {
    await rollback(CAPABILITY);
    await moveTo(0, signal);
    await town.more(DEEDS_A_STEP);
  });
}

/** What the sync has counted by cause, each explained; and what is not, in sentences. */
async function explain(plan: PlanInFile): Promise<{ causes: Result['causes']; mistakes: string[] }> {
  const { why, unexplained } = await readKept(plan);
  const status = await look(CAPABILITY);
  if (!status) throw new Error('control does not answer');
  const causes = byCause(status, why);
  return {
    causes,
    mistakes: [
      ...unexplained.map((one) => `unexplained: ${one}`),
      ...causes.flatMap(({ cause, rows, why }) => (why ? [] : [`unexplained: ${rows} rows ${cause}`])),
      ...(status.quarantine.open ? [`${status.quarantine.open} rows are open in quarantine`] : []),
    ],
  };
}
