import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { kafkaClient, openSource } from './kafka-source.ts';
import { withKafka } from './topics.ts';

let brokers: readonly string[];
let topic: string;
let stops: (() => Promise<void>)[];

beforeAll(async () => {
  brokers = (await servers()).kafka.brokers;
});
beforeEach(async () => {
  stops = [];
  topic = `reader-${randomUUID()}`;
  await withKafka(brokers, (admin) =>
    admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] }),
  );
});
afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
  await withKafka(brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
});

async function produce(from: number, to: number): Promise<void> {
  const producer = kafkaClient(brokers).producer();
  await producer.connect();
  const messages = Array.from({ length: to - from }, (_, nth) => ({ value: `${from + nth}` }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

/** The reader’s group, and what the broker says it is doing. */
const group = () =>
  withKafka(brokers, async (admin) => {
    const { groups } = await admin.listGroups();
    const { groupId } = groups.find((one) => one.groupId.startsWith(`${topic}.`))!;
    const [described] = (await admin.describeGroups([groupId])).groups;
    return { groupId, state: described!.state };
  });

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(50);
}

describe('a reader of one topic', () => {
  test('faults 62: a rebalance in the middle of a batch, and a stranger who is given the partition, leave no gap', async () => {
    const taken: string[] = [];
    const inBatch = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const failures: Error[] = [];
    await produce(0, 500);
    stops.push(
      await openSource({
        ...{ brokers, topic, reader: topic, from: 0n, onEnd: (error: Error) => failures.push(error) },
        onMessages: async (messages) => {
          taken.push(...messages.map(({ value }) => String(value)));
          inBatch.resolve();
          await goOn.promise;
        },
      }),
    );
    await inBatch.promise;
    const { groupId } = await group();
    const stranger = kafkaClient(brokers).consumer({ groupId });
    stops.push(() => stranger.disconnect());
    let joined = false;
    stranger.on(stranger.events.GROUP_JOIN, () => {
      joined = true;
    });
    await stranger.connect();
    await stranger.subscribe({ topic });
    await stranger.run({ autoCommit: false, eachMessage: async () => {} });
    await until(async () => joined || (await group()).state === 'PreparingRebalance');
    goOn.resolve();
    await until(() => joined);
    await produce(500, 1_000);
    await stranger.disconnect();
    await produce(1_000, 1_500);
    await until(() => taken.length >= 1_500 || failures.length > 0);
    expect(failures).toEqual([]);
    expect(taken).toEqual(Array.from({ length: 1_500 }, (_, nth) => `${nth}`));
  });
});
