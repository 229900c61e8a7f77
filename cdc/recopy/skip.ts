import {
  type HandoffRow,
  handoffAge,
  type OwnershipRow,
  openSession,
  ownsAtFirst,
  readHandoffs,
  readOwnership,
  skipLoss,
} from '@strangler/ledger';
import {
  type Direction,
  groupOf,
  monolithTopic,
  otherSide,
  type Plan,
  serviceTopic,
  sourceOf,
  streamName,
} from '@strangler/plan';
import { afterHandoffRow, OwnershipHistory } from '../apply/ownership-history.ts';
import { monolithConnector, serviceConnector } from '../capture/connector-config.ts';
import { Connect } from '../capture/connectors.ts';
import { withKafka } from '../capture/topics.ts';
import { connectorName, publicationName } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { dropSlot } from '../setup/remove.ts';
import type { OpenSides } from '../sides.ts';
import { sleep } from '../sleep.ts';

const CONNECTOR_TIMEOUT_MS = 30_000;
/** Longer than a connector may be behind: a younger handoff may still be on its way through the topic. */
const QUIET_MS = 10_000;

/**
 * Makes the connector that a stream reads go on, from the present end of its log if it has lost its place. Throws Refusal
 * if it does not.
 */
export async function mendConnector(plan: Plan, capability: string, direction: Direction): Promise<void> {
  const connect = new Connect(plan.kafka!.connect);
  const forward = direction === 'forward';
  const name = connectorName(plan, forward ? {} : { capability });
  const config = forward ? monolithConnector(plan) : serviceConnector(plan, capability);
  for (const until = Date.now() + CONNECTOR_TIMEOUT_MS; ; ) {
    const found = await connect.state(name);
    if (found?.state === 'RUNNING') return;
    if (found?.lost) {
      await connect.remove(name);
      if (!forward) await forgetSlot(plan, capability);
    }
    if (!found || found.lost) await connect.put(name, config);
    if (Date.now() > until) {
      throw new Refusal(
        `connector ${name} is ${found?.state ?? 'missing'}${found?.reason ? `: ${found.reason}` : ''}; fix that first`,
      );
    }
    await sleep(200, AbortSignal.timeout(1_000));
  }
}

/** A slot that is of no use any more would keep the connector from making another. */
async function forgetSlot(plan: Plan, capability: string): Promise<void> {
  const session = await openSession(plan.capabilities[capability]!.service.database!.admin, 'reader');
  try {
    await dropSlot(session, publicationName(plan, capability));
  } finally {
    await session.close();
  }
}

/** Takes a stopped stream to the present end of its topic, with its source's ownership as it is now. Throws Refusal. */
export async function skip(plan: Plan, sides: OpenSides, direction: Direction): Promise<void> {
  const { capability } = sides;
  const source = sourceOf(direction);
  const target = sides.sessions[otherSide(source)];
  const stream = streamName(capability, direction);
  const age = await handoffAge(sides.sessions[source], capability);
  if (age < QUIET_MS)
    throw new Refusal(`users of ${capability} were moved ${Math.round(age)} ms ago; try again in 10 s`);
  const handoffs = await readHandoffs(sides.sessions[source], capability);
  const known = await readOwnership(target, stream);
  const ownership = ownershipFrom(groupOf(plan, capability), direction, known, handoffs);
  const topic = direction === 'forward' ? monolithTopic(plan) : serviceTopic(plan, capability);
  const kafkaOffset = await withKafka(plan.kafka!.brokers, async (admin) => {
    const [offsets] = await admin.fetchTopicOffsets(topic);
    return Number(offsets!.high);
  });
  await target.transaction(() => skipLoss(target, stream, { kafkaOffset, ownership }));
}

const ORDER = { barrier: 0, cancel: 1, grant: 1 } as const;

/** What is known of a source's ownership, brought up to what its own handoff rows say. */
export function ownershipFrom(
  group: string,
  direction: Direction,
  known: readonly OwnershipRow[],
  handoffs: readonly HandoffRow[],
): OwnershipRow[] {
  const history = new OwnershipHistory(group, ownsAtFirst(direction), known);
  const inOrder = [...handoffs].sort((a, b) => a.epoch - b.epoch || ORDER[a.kind] - ORDER[b.kind]);
  for (const row of inOrder) history.record(afterHandoffRow(row, history.at(row.epoch)));
  return [...new Set(inOrder.map(({ epoch }) => epoch))].map((epoch) => history.at(epoch)!);
}
