import { monolithTopic, type Plan, serviceTopic } from '@strangler/plan';
import { historyTopic, surveyHistoryTopic, surveyTopic, syncedCapabilities } from '../names.ts';
import { sleep } from '../sleep.ts';
import { LARGEST_MESSAGE_BYTES } from './connector-config.ts';
import { kafkaClient } from './kafka-source.ts';

/** Kafka cannot be reached. */
export class KafkaError extends Error {
  constructor(brokers: readonly string[], cause: unknown) {
    super(`Kafka does not answer at ${brokers.join(', ')}; is it running?`, { cause });
    this.name = 'KafkaError';
  }
}

/** The topics that carry the logs of a Plan's databases. */
export const logTopics = (plan: Plan): string[] => [
  monolithTopic(plan),
  ...syncedCapabilities(plan).map((capability) => serviceTopic(plan, capability)),
];

type Admin = ReturnType<ReturnType<typeof kafkaClient>['admin']>;

/** Runs `task` with a connected admin client. Throws KafkaError when no broker answers. */
export async function withKafka<T>(brokers: readonly string[], task: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(brokers).admin();
  try {
    await admin.connect();
  } catch (error) {
    throw new KafkaError(brokers, error);
  }
  try {
    return await task(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Creates the log topics that are missing: one partition, because that is the order of commits; nothing ever expires. */
export async function createTopics(plan: Plan): Promise<void> {
  await withKafka(plan.kafka!.brokers, async (admin) => {
    const present = new Set(await admin.listTopics());
    await createOf(
      admin,
      logTopics(plan).filter((topic) => !present.has(topic)),
    );
  });
}

async function createOf(admin: Admin, topics: readonly string[]): Promise<void> {
  if (!topics.length) return;
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((topic) => ({
      topic,
      numPartitions: 1,
      configEntries: [
        { name: 'retention.ms', value: '-1' },
        { name: 'retention.bytes', value: '-1' },
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'max.message.bytes', value: String(LARGEST_MESSAGE_BYTES) },
      ],
    })),
  });
}

const GONE_WITHIN_MS = 15_000;

/** Creates the topic of a survey’s own connector; one of the same name that is being deleted is waited for. */
export async function createSurveyTopic(plan: Plan): Promise<void> {
  await withKafka(plan.kafka!.brokers, async (admin) => {
    for (const until = Date.now() + GONE_WITHIN_MS; ; ) {
      try {
        await createOf(admin, [surveyTopic(plan)]);
        return;
      } catch (error) {
        if (Date.now() > until) throw error;
        await sleep(250, AbortSignal.timeout(1_000));
      }
    }
  });
}

/** Deletes what a survey’s own connector has written; what is not there is no error. */
export async function deleteSurveyTopics(plan: Plan): Promise<void> {
  await withKafka(plan.kafka!.brokers, (admin) => deleteOf(admin, surveyTopics(plan)));
}

const surveyTopics = (plan: Plan): string[] => [surveyTopic(plan), surveyHistoryTopic(plan)];

async function deleteOf(admin: Admin, topics: readonly string[]): Promise<void> {
  const present = await admin.listTopics();
  const wanted = topics.filter((topic) => present.includes(topic));
  if (wanted.length) await admin.deleteTopics({ topics: wanted });
}

/** The offset the next record of a topic will have. */
export const endOf = (brokers: readonly string[], topic: string): Promise<bigint> =>
  withKafka(brokers, async (admin) => BigInt((await admin.fetchTopicOffsets(topic))[0]!.high));

/** Deletes every topic and every reader's group of the Plan; what is not there is no error. */
export async function deleteTopics(plan: Plan): Promise<void> {
  await withKafka(plan.kafka!.brokers, async (admin) => {
    const prefixes = syncedCapabilities(plan).map((capability) => `strangler.${plan.name}.${capability}.`);
    const { groups } = await admin.listGroups();
    const ours = groups.map(({ groupId }) => groupId).filter((id) => prefixes.some((prefix) => id.startsWith(prefix)));
    if (ours.length) await admin.deleteGroups(ours).catch(() => {}); // an empty group goes by itself
    await deleteOf(admin, [...logTopics(plan), historyTopic(plan), ...surveyTopics(plan)]);
  });
}
