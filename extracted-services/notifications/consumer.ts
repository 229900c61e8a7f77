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
  let crash: (reason: Error) => void = () => {};

  /** Consumes until that ends by itself: rejects with the reason. */
  const consume = async (): Promise<never> => {
    // Without retries of its own, so that stopping need not wait for them: the loop below tries again.
    const admin = new Kafka({ ...client, retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    } finally {
      await admin.disconnect();
    }
    // kafkajs can lie idle for ever after restarting a consumer while the broker is away: we begin with another one.
    consumer = new Kafka(client).consumer({
      groupId: group,
      maxWaitTimeInMs: 50,
      // A broker that comes back waits so long for the consumer that was there before us.
      sessionTimeout: 10_000,
      rebalanceTimeout: 10_000,
      retry: { restartOnFailure: async () => false },
    });
    const crashed = Promise.withResolvers<never>();
    crashed.promise.catch(() => {}); // it may crash before anybody waits for it
    consumer.on('consumer.crash', ({ payload }) => crashed.reject(payload.error));
    crash = crashed.reject;
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
    if (stopped) throw new Error('stopped');
    return crashed.promise;
  };

  const keepConsuming = async (): Promise<void> => {
    while (!stopped) {
      try {
        await consume();
      } catch (error) {
        if (!stopped) log.warn({ reason: (error as Error).message }, 'not consuming events, will try again');
        await consumer?.disconnect().catch(() => {});
        if (stopped) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, RETRY_MS);
        });
      }
    }
  };

  const running = keepConsuming();
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    stopped = true;
    wake();
    crash(new Error('stopped'));
    await running;
  };
  return {
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
};
