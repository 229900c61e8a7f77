import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SurveyReport } from '@strangler/cdc';
import { startControl } from '@strangler/control';
import { openFlags } from '@strangler/flags';
import { type CapabilityStatus, type Plan, parsePlan, type Status } from '@strangler/plan';
import { startProxy } from '@strangler/proxy';
import type { Servers } from '@strangler/servers';
import { pino } from 'pino';
import { surveyDuring } from './survey-during.ts';

/** A control and a proxy before an application, as they stand at 0 %. */
export type SurveyStand = {
  readonly plan: Plan;
  /** Where users come in, and control's address. */
  readonly url: string;
  readonly control: string;
  /** Surveys the Plan's one capability while this is being done. */
  readonly surveyDuring: (work: () => Promise<void>) => Promise<SurveyReport>;
  /** Asks for a percentage of the users. */
  readonly set: (percentage: number) => Promise<void>;
  /** The first status of which this is true. */
  readonly until: (holds: (status: CapabilityStatus) => boolean) => Promise<CapabilityStatus>;
  readonly stop: () => Promise<void>;
};

const TOKENS = { admin: 'admin-token', operate: 'operate-token', proxy: 'proxy-token', read: 'read-token' };
const SILENT = pino({ level: 'silent' });
let plans = 0;

/** Writes a Plan of one capability under a name nobody has; gives it and its file. */
export function planOf(
  { kafka, connect }: Servers,
  monolith: { readonly url: string; readonly database: string },
  capability: Readonly<Record<string, object>>,
): { readonly plan: Plan; readonly file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'survey-'));
  const file = join(folder, 'strangler.yaml');
  const written = JSON.stringify({
    ...{ version: 1, name: `survey${process.pid}n${plans++}`, monolith },
    kafka: { brokers: kafka.brokers, connect: connect.url },
    flags: { file: join(folder, 'flags.json') },
    control: { listen: '127.0.0.1:0', tokens: TOKENS },
    capabilities: capability,
  });
  writeFileSync(file, written);
  return { plan: parsePlan(written, {}), file };
}

/** Starts them; the tables of the toolkit must be in the monolith's database. */
export async function startStand(plan: Plan): Promise<SurveyStand> {
  const [name] = Object.keys(plan.capabilities) as [string];
  const flags = await openFlags(plan, [name], () => {});
  const control = await startControl({ plan, flags, log: SILENT });
  const proxy = await startProxy({
    ...{ plan, listen: '127.0.0.1:0', controlUrl: control.address, name: 'p1', log: SILENT },
  });
  const ask = async (path: string, body?: object) => {
    const response = await fetch(control.address + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${TOKENS.admin}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    plan,
    url: `http://${proxy.address}`,
    control: control.address,
    async surveyDuring(work) {
      const [report] = await surveyDuring(plan, [name], work, control.address);
      return report!;
    },
    set: (percentage) => ask(`/capabilities/${name}/set`, { percentage }) as Promise<never>,
    async until(holds) {
      for (const end = Date.now() + 90_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
        const [status] = ((await ask('/status')) as Status).capabilities;
        if (status && holds(status)) return status;
        if (Date.now() > end) throw new Error(`waited in vain: ${JSON.stringify(status)}`);
      }
    },
    async stop() {
      await proxy.stop();
      await control.stop();
      await flags.stop();
    },
  };
}
