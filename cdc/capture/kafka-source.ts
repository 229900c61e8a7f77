import { randomUUID } from 'node:crypto';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { ContinuityError, checkOffset } from '../log/continuity.ts';
import { sleep } from '../sleep.ts';

/** Reads one topic of one partition from an offset on. */
export type SourceOptions = {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Names the reader in the broker's list of groups. */
  readonly reader: string;
  readonly from: bigint;
  /** Takes messages in order, each once; must not throw. The next ones come when it has resolved. */
  readonly onMessages: (messages: readonly KafkaMessage[]) => Promise<void>;
  /** The reader has ended by itself, and why. */
  readonly onEnd: (error: Error) => void;
};

const WAIT_MS = 5;
const HEARTBEAT_MS = 3_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** A client of these brokers, quiet: what goes wrong is reported by the stream that meets it. */
export const kafkaClient = (brokers: readonly string[], retries = 5): Kafka =>
  new Kafka({
    clientId: 'strangler',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries },
  });

/**
 * Starts reading; gives its stop, which waits for what is being taken. The truth of where a stream stands is its checkpoint, so nothing is ever committed:
 * each life reads in a group of its own, which no dead member of an earlier one can hold up.
 * Throws ContinuityError if the topic does not hold the offset.
 */
export async function openSource(options: SourceOptions): Promise<() => Promise<void>> {
  const { topic, from } = options;
  const looking = kafkaClient(options.brokers, 0); // who reads looks again, and may be told to stop meanwhile
  await checkTopic(looking, topic, from);
  const consumer = kafkaClient(options.brokers).consumer({
    groupId: `${options.reader}.${randomUUID()}`,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: WAIT_MS,
    minBytes: 1,
    maxBytes: MAX_BYTES,
    maxBytesPerPartition: MAX_BYTES,
    // kafkajs can lie idle for ever after restarting a consumer while the broker is away: the stream opens another one.
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: async () => false },
  });
  const abort = new AbortController();
  let taking = Promise.resolve();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      abort.abort();
      await consumer.disconnect().catch(() => {});
      await Promise.all([watching, taking]);
    })();
    return stopping;
  };
  consumer.on('consumer.crash', ({ payload }) => {
    if (payload.restart || stopping) return;
    void stop();
    options.onEnd(payload.error);
  });
  let next = from;
  let sought = -1n;
  const fail = (error: unknown) => {
    abort.abort();
    options.onEnd(error as Error);
  };
  const watching = watchTopic(looking, topic, () => next, abort.signal).catch(fail);
  const reaches = async (offset: bigint): Promise<boolean> => {
    try {
      await checkTopic(looking, topic, offset);
      return true;
    } catch (error) {
      if (!(error instanceof ContinuityError)) throw error;
      fail(error);
      return false;
    }
  };
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, heartbeat, isRunning, isStale }) => {
        if (abort.signal.aborted || !isRunning() || isStale()) return;
        const first = BigInt(batch.messages[0]?.offset ?? next);
        if (first !== next && sought !== next) {
          sought = next; // a group that was joined again begins anywhere
          consumer.seek({ topic, partition: 0, offset: String(next) });
          return;
        }
        if (first > next && !(await reaches(next))) return; // else the offsets between carry no records
        const fresh = batch.messages.filter((message) => BigInt(message.offset) >= next);
        if (!fresh.length) return;
        const alive = setInterval(() => void heartbeat().catch(() => {}), HEARTBEAT_MS); // a take may wait long
        taking = options.onMessages(fresh).finally(() => clearInterval(alive));
        await taking;
        next = BigInt(fresh.at(-1)!.offset) + 1n;
      },
    });
    consumer.seek({ topic, partition: 0, offset: String(from) });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

const POLL_MS = 1_000;

/** Looks once a second whether the topic still reaches from and to where the reader is. Throws ContinuityError. */
async function watchTopic(kafka: Kafka, topic: string, next: () => bigint, signal: AbortSignal): Promise<void> {
  const admin = kafka.admin();
  const ask = async () => {
    try {
      return (await admin.fetchTopicOffsets(topic))[0];
    } catch {
      await admin.connect();
      return (await admin.listTopics()).includes(topic) ? undefined : null;
    }
  };
  try {
    while (!signal.aborted) {
      await sleep(POLL_MS, signal);
      const stood = next(); // the reader goes on while the question is asked
      const offsets = await ask().catch(() => undefined); // the broker is away
      if (offsets === undefined || signal.aborted) continue;
      if (offsets === null) throw new ContinuityError(`topic ${topic} was deleted`);
      checkOffset(topic, stood, 0n, BigInt(offsets.high));
      checkOffset(topic, next(), BigInt(offsets.low), next());
    }
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

async function checkTopic(kafka: Kafka, topic: string, from: bigint): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    if (!(await admin.listTopics()).includes(topic)) {
      if (from > 0n) throw new ContinuityError(`topic ${topic} was deleted`);
      throw new Error(`topic ${topic} is missing; run: strangler init`);
    }
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]!.partitions.length;
    if (partitions !== 1) {
      throw new ContinuityError(`topic ${topic} has ${partitions} partitions, so it has lost the order of commits`);
    }
    const [offsets] = await admin.fetchTopicOffsets(topic);
    checkOffset(topic, from, BigInt(offsets!.low), BigInt(offsets!.high));
  } finally {
    await admin.disconnect();
  }
}
