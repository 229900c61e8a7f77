import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { doctor, type SurveyReport } from '@strangler/cdc';
import type { Servers } from '@strangler/servers';
import { printSurvey } from '../../cdc/survey/print-survey.ts';
import { type Client, clientOf, until } from '../../examples/conduit/tests/client.ts';
import { run } from '../../examples/conduit/tests/program.ts';
import { at, HOME, PORTS } from '../rehearsal/addresses.ts';
import { strangler } from '../rehearsal/processes.ts';
import { say } from '../rehearsal/screen.ts';
import { surveyDuring } from '../survey/survey-during.ts';
import { CAPABILITY, CONDUIT_SECRETS, conduitEnvironment, FRONTS } from './addresses.ts';
import { draftPlan, type PlanInFile } from './plans.ts';
import { monolithEnvironment, toolkitOf } from './programs.ts';
import type { Evidence } from './traps.ts';

/** What the first look has said, for whoever wants to read it. */
const SAID = join(HOME, 'reports', 'conduit-first-look.txt');

/** So long that nothing of before can be taken for the cause of what comes next, ms. */
const QUIET_MS = 1_500;
const quiet = () => sleep(QUIET_MS);

/** Asks the applications as they were: a survey by the claim, one by the address, and doctor. */
export async function lookFirst(servers: Servers): Promise<Evidence> {
  const env = conduitEnvironment(servers);
  const [first, second] = [draftPlan(env, 'first'), draftPlan(env, 'second')];
  const refused = await refusalOf(first, env);
  const byClaim = await surveyed(servers, first, byTwoSchemes);
  await refusalOf(second, env);
  const byAddress = await surveyed(servers, second, () => aDay(servers));
  const findings = await doctor(second.plan);
  const said = [
    refused,
    printSurvey(byClaim, first.plan),
    printSurvey(byAddress, second.plan),
    ...findings.map(({ level, where, what, why, fix }) => `${level} ${where}: ${what}\n  why: ${why}\n  fix: ${fix}`),
  ];
  mkdirSync(dirname(SAID), { recursive: true });
  writeFileSync(SAID, said.join('\n\n'));
  say(`  what they said: ${SAID}`);
  return { byClaim, byAddress, doctor: findings };
}

/**
 * What `init` says against such a Plan; the monolith has our tables nevertheless, and that is all that a survey needs. Throws
 * if it accepts it.
 */
async function refusalOf({ file }: PlanInFile, env: Record<string, string>): Promise<string> {
  const asked = strangler(['init', '--plan', file, '--apply', '--create-users'], env);
  const said = await asked.then(
    () => undefined,
    ({ message }: Error) => message,
  );
  if (said === undefined) throw new Error(`init accepts ${file}, and should not`);
  return said;
}

async function surveyed(
  servers: Servers,
  { file, plan }: PlanInFile,
  work: () => Promise<void>,
): Promise<SurveyReport> {
  const { control, proxies } = toolkitOf(servers, file);
  const all = [proxies[0], control];
  try {
    await control.start();
    await proxies[0].start();
    const [report] = await surveyDuring(plan, [CAPABILITY], () => work().then(quiet), at(PORTS.control));
    return report!;
  } finally {
    for (const one of all) await one.stop();
  }
}

const front = clientOf(FRONTS[0]!);

async function signIn(name: string, scheme: 'Token' | 'Bearer'): Promise<Client> {
  const user = { email: `${name}@conduit.test`, password: CONDUIT_SECRETS.password };
  const { body } = await front('POST', '/api/users/login', { user });
  return (method, path, sent) => front(method, path, sent, { authorization: `${scheme} ${body.user.token}` });
}

/** Publishes, and waits until all of it is written; gives the slug. */
async function publish(person: Client, title: string, tagList: string[] = []): Promise<string> {
  const article = { title, description: 'A first look', body: 'Nobody knew', tagList };
  const { slug } = (await person('POST', '/api/articles', { article })).body.article;
  await until(
    () => person('GET', `/api/articles/${slug}`),
    (reply) => reply.body.article.author && reply.body.article.tagList.length === tagList.length,
  );
  return slug;
}

/** An old client and a new one. */
async function byTwoSchemes(): Promise<void> {
  for (const [scheme, name] of [
    ['Token', 'writer1'],
    ['Bearer', 'writer2'],
  ] as const)
    await publish(await signIn(name, scheme), `By ${scheme}`);
}

/** One of everything that Conduit does in a day, one after the other. */
async function aDay(servers: Servers): Promise<void> {
  const [ann, bob] = [await signIn('writer1', 'Token'), await signIn('writer2', 'Bearer')];
  const slug = await publish(ann, 'A whole day', ['one', 'two', 'three', 'four']);
  await ann('PUT', `/api/articles/${slug}`, { article: { body: 'Somebody knew', description: 'Edited' } });
  const { comment } = (await bob('POST', `/api/articles/${slug}/comments`, { comment: { body: 'Rude' } })).body;
  await bob('POST', `/api/articles/${slug}/comments`, { comment: { body: 'Polite' } });
  await bob('POST', `/api/articles/${slug}/favorite`);
  await quiet();
  await run('monolith/jobs/popularity.js', monolithEnvironment(servers));
  await quiet();
  const event = { id: 'evt_of_a_day', slug, sponsor: 'Acme', amountCents: 500, days: 7 };
  await front('POST', '/webhooks/sponsorships', event, { 'x-webhook-secret': CONDUIT_SECRETS.webhook });
  await quiet();
  await staffActs(slug, comment.id);
  await quiet();
  await ann('DELETE', `/api/articles/${slug}`);
}

async function staffActs(slug: string, comment: number): Promise<void> {
  const form = (path: string, fields: Record<string, string>, cookie = '') =>
    front('POST', path, new URLSearchParams(fields).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      cookie,
    });
  const entered = await form('/admin/login', { email: 'editor@conduit.test', password: CONDUIT_SECRETS.password });
  const cookie = entered.headers.get('set-cookie')!.split(';')[0]!;
  const page = String((await front('GET', '/admin', undefined, { cookie })).body);
  const id = /\/admin\/articles\/(\d+)">A whole day</.exec(page)?.[1];
  if (!id) throw new Error(`staff do not see ${slug}`);
  const fields = { title: 'A whole day', description: 'Edited by staff', body: 'Nobody knew' };
  for (const [path, sent] of [
    [`/admin/articles/${id}`, fields],
    [`/admin/articles/${id}/hide`, {}],
    [`/admin/articles/${id}/show`, {}],
    [`/admin/comments/${comment}/delete`, {}],
  ] as const) {
    await form(path, sent, cookie);
    await quiet();
  }
}
