import { isLost, readApplier, settleLoss, writeRecord } from '@strangler/ledger';
import { type Direction, otherSide, type Plan, sourceOf, streamName } from '@strangler/plan';
import { correct } from '../apply/corrections.ts';
import { newOperation } from '../apply/overwritten.ts';
import { createTopics } from '../capture/topics.ts';
import { Refusal } from '../refusal.ts';
import type { CorrectedBy } from '../rows/change.ts';
import { type OpenSides, withSides } from '../sides.ts';
import { sleep } from '../sleep.ts';
import { waitsToBePassed } from '../stopped.ts';
import { awaitStreams, verify } from '../verify.ts';
import { copyFromOwners } from './copy.ts';
import { findDiffering, sortByOwner, stillDiffering } from './differing.ts';
import { mendConnector, skip } from './skip.ts';

/** What became of copying a capability again, or of repairing it. */
export type Recopied = {
  readonly capability: string;
  /** What `strangler undo --operation` takes back all of it by. */
  readonly operation: string;
  /** Streams that were taken past a loss. */
  readonly skipped: readonly string[];
  /** Aggregates copied from their owners. */
  readonly copied: number;
  /** Rows kept in quarantine because they may be writes that nobody has seen. */
  readonly kept: number;
  /** Rows that still differ. */
  readonly mismatches: number;
};

/** Who asks for it and why, and who is told of its progress. */
export type RecopyOptions = {
  readonly by: string;
  readonly reason: string;
  readonly progress: (line: string) => void;
};

const ROUNDS = 5;
const DIRECTIONS: readonly Direction[] = ['forward', 'reverse'];
/** An applier that has not reported for so long, in milliseconds, does not run. */
const SILENCE_MS = 5_000;

/**
 * Makes both sides of a capability equal again after a piece of a log was lost: takes stopped streams to the present end
 * of their topics, then copies every row that differs from its user's owner to the other side, until nothing differs.
 * The owners go on writing meanwhile. Safe to repeat, and to go on with after it was interrupted. Audited; what it
 * overwrites is kept. Throws Refusal.
 */
export const recopy = (plan: Plan, capability: string, options: RecopyOptions): Promise<Recopied> =>
  copyAgain(plan, capability, newOperation('recopied'), options);

/** As `recopy`, of what differs although no log has lost anything. Throws Refusal if one has. */
export const repair = (plan: Plan, capability: string, options: RecopyOptions): Promise<Recopied> =>
  copyAgain(plan, capability, newOperation('repaired'), options);

async function copyAgain(
  plan: Plan,
  capability: string,
  corrected: CorrectedBy,
  { by, reason, progress }: RecopyOptions,
): Promise<Recopied> {
  const { cause, operation } = corrected;
  const event = cause === 'repaired' ? 'repair' : 'recopy';
  return withSides(plan, capability, 'repair', async (sides) => {
    if (event === 'repair') await refuseLosses(sides);
    const audit = { capability, actor: by, reason };
    await writeRecord(sides.sessions.monolith, { ...audit, event, inputs: { operation } });
    let skipped: string[] = [];
    if (event === 'recopy') {
      await createTopics(plan);
      skipped = await skipLosses(plan, sides, progress);
    }
    const lost = new Set<Direction>();
    for (const direction of DIRECTIONS)
      if (await isLost(targetOf(sides, direction), streamName(capability, direction))) lost.add(direction);
    const { copied, kept } = await copyUntilEqual(sides, lost, corrected, progress);
    const { mismatches } = await verify(plan, capability, (table, n) =>
      progress(`${capability}.${table}: ${n} rows compared`),
    );
    if (!mismatches) await settle(sides, lost);
    const done = { skipped, copied, kept, mismatches };
    await writeRecord(sides.sessions.monolith, { ...audit, event: cause, inputs: { operation, ...done } });
    return { capability, operation, ...done };
  });
}

/** Throws Refusal if a stream has stopped at a loss, or been taken past one that is not copied again. */
async function refuseLosses(sides: OpenSides): Promise<void> {
  const stopped = await stoppedStreams(sides);
  for (const direction of DIRECTIONS) {
    const stream = streamName(sides.capability, direction);
    if (!stopped.includes(direction) && !(await isLost(targetOf(sides, direction), stream))) continue;
    throw new Refusal(`a piece of the log of ${stream} is lost; copy again with strangler recopy ${sides.capability}`);
  }
}

/** The session of a stream's target. */
export const targetOf = (sides: OpenSides, direction: Direction) => sides.sessions[otherSide(sourceOf(direction))];

const TRIES = 3;

/** Takes stopped streams past their loss until both run. Gives those it has taken. */
async function skipLosses(plan: Plan, sides: OpenSides, progress: (line: string) => void): Promise<string[]> {
  const skipped = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const stopped = await stoppedStreams(sides);
    for (const direction of stopped) await mendConnector(plan, sides.capability, direction);
    for (const direction of stopped) {
      const stream = streamName(sides.capability, direction);
      await skip(plan, sides, direction);
      skipped.add(stream);
      progress(`${stream} was taken past the loss`);
    }
    try {
      await passed(sides);
      return [...skipped];
    } catch (error) {
      if (attempt === TRIES || !(await stoppedStreams(sides)).length) throw error;
    }
  }
}

/**
 * Which streams say by now that they have stopped at a loss. Throws Refusal if one has stopped for another reason, or says
 * nothing: without cdc nothing arrives.
 */
export async function stoppedStreams(sides: OpenSides): Promise<Direction[]> {
  const since = Date.now();
  const stopped: Direction[] = [];
  for (const direction of DIRECTIONS) {
    const stream = streamName(sides.capability, direction);
    for (;;) {
      const applier = await readApplier(targetOf(sides, direction), stream);
      if (applier && applier.age < Date.now() - since) {
        if (waitsToBePassed(stream, applier)) stopped.push(direction);
        break;
      }
      if (Date.now() - since > SILENCE_MS) {
        throw new Refusal(`${stream} does not run; start strangler cdc, then try again`);
      }
      await sleep(50, AbortSignal.timeout(1_000));
    }
  }
  return stopped;
}

async function copyUntilEqual(
  sides: OpenSides,
  lost: ReadonlySet<Direction>,
  by: CorrectedBy,
  progress: (line: string) => void,
): Promise<{ copied: number; kept: number }> {
  const { capability } = sides;
  let copied = 0;
  let kept = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    await passed(sides);
    const seen = await findDiffering(sides, (table, n) => progress(`${capability}.${table}: ${n} rows compared`));
    if (!seen.length) break;
    await passed(sides);
    const lasting = await stillDiffering(sides, seen);
    if (!lasting.length) break;
    const { owned, unclear } = await sortByOwner(sides, lasting, await sides.owners());
    if (unclear.length) progress(`${unclear.length} rows belong to nobody known, or to users being moved`);
    if (!owned.length) break;
    kept += await copyFromOwners(sides, owned, lost, by, (aggregates) => {
      copied += aggregates;
      progress(`${capability}: ${copied} copied from their owners`);
    });
  }
  return { copied, kept };
}

/** Waits until both streams have applied what their sources have now. Throws Refusal if they do not get there. */
async function passed(sides: OpenSides): Promise<void> {
  const { sessions, capability } = sides;
  const nothing = new Map([[null, []]]);
  const nudge = async () => {
    for (const session of Object.values(sessions)) {
      await session.transaction(() => correct(session, capability, nothing)); // a correction moves the checkpoint at once
    }
  };
  if (await awaitStreams(sessions, capability, nudge)) return;
  const said = await Promise.all(DIRECTIONS.map((direction) => saysOf(sides, direction)));
  throw new Refusal(`not both streams get on: ${said.join('; ')}. Fix that, then try again`);
}

async function saysOf(sides: OpenSides, direction: Direction): Promise<string> {
  const stream = streamName(sides.capability, direction);
  const applier = await readApplier(targetOf(sides, direction), stream);
  return `${stream} is ${applier?.state ?? 'unknown'}${applier?.reason ? ` (${applier.reason})` : ''}`;
}

async function settle(sides: OpenSides, lost: ReadonlySet<Direction>): Promise<void> {
  for (const direction of lost) {
    const session = targetOf(sides, direction);
    await session.transaction(() => settleLoss(session, streamName(sides.capability, direction)));
  }
}
