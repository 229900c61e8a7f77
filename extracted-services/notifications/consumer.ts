import { type Consumer, Kafka, logLevel } from 'kafkajs';
import type { Logger } from 'pino';
import type { ReceivedEvent } from './receive.ts';

export interface EventSource {
  brokers: string[];
  topic: string;
  /** The consumer group, `<topic>.notifications` unless given: two shops on one Kafka must not share one. */
  group?: string;
}

export interface EventConsumer {
  /** Leaves the group after the batch in hand; safe to call twice. */
  stop(): Promise<void>;
}

const RETRY_MS = 1_000;

/**
 * Hands every event of the topic to `receive`, from the beginning and at least once: the group's offset moves only
 * after `receive` has returned. Kafka need not be up yet: connecting is tried again for ever.
 */
export const startConsumer = (
  { brokers, topic, group = `${topic}.notifications` }: EventSource,
  receive: (events: ReceivedEvent[]) => Promise<unknown>,
  log: Logger,
): EventConsumer => {
  const client = { clientId: group, brokers, logLevel: logLevel.NOTHING };
  let consumer: Consumer | undefined;
  let stopped = false;
  let wake = () => {};

  const begin = async (): Promise<void> => {
    // Without retries of its own, so that stopping need not wait for them: the loop below tries again.
    const admin = new Kafka({ ...client, retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    } finally {
      await admin.disconnect();
    }
    consumer = new Kafka(client).consumer({
      groupId: group,
      maxWaitTimeInMs: 50,
      retry: { restartOnFailure: async () => true },
    });
    consumer.on('consumer.crash', ({ payload }) => log.warn({ reason: payload.error.message }, 'consuming again'));
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachBatch: async ({ batch }) => {
        await receive(
          batch.messages.map(({ offset, value }) => ({
            topic: batch.topic,
            partition: batch.partition,
            offset,
            value: value?.toString() ?? null,
          })),
        );
      },
    });
  };

  const keepTrying = async (): Promise<void> => {
    while (!stopped) {
      try {
        return await begin();
      } catch (error) {
        log.warn({ reason: (error as Error).message }, 'cannot consume events yet, will try again');
        await consumer?.disconnect().catch(() => {});
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, RETRY_MS);
        });
      }
    }
  };

  const running = keepTrying();
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    stopped = true;
    wake();
    await running;
    await consumer?.disconnect();
  };
  return {
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
};
