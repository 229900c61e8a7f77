import { monolithTopic, type Plan } from '@strangler/plan';
import type { KafkaMessage } from 'kafkajs';
import { monolithConnector, surveyConnector } from '../capture/connector-config.ts';
import { Connect, type ConnectorState } from '../capture/connectors.ts';
import { openSource } from '../capture/kafka-source.ts';
import { createSurveyTopic, deleteSurveyTopics, endOf } from '../capture/topics.ts';
import { Assembler, type LargeTransaction, type SourceTransaction } from '../log/assemble.ts';
import { isOurs } from '../log/ours.ts';
import { decode, type RowChange } from '../log/row-change.ts';
import { Spill } from '../log/spill.ts';
import { connectorName, surveyConnectorName, surveyTopic } from '../names.ts';
import { sleep } from '../sleep.ts';

/** Where the log is read. */
type Capture = { readonly topic: string; readonly own: boolean; close(): Promise<void> };

/** What a survey is told of the log. `at`: of the commit, ms since 1970 by the database's clock. */
export type SurveyLogHooks = {
  /** Rows an application has changed in one transaction; of a huge one some at a time. */
  readonly onRows: (transaction: string, rows: readonly RowChange[]) => Promise<void>;
  readonly onTick: (at: number) => void;
  readonly onEnd: (error: Error) => void;
};

const POLL_MS = 250;
const RUNNING_WITHIN_MS = 60_000;
const BATCH = { rows: 2_000, bytes: 4 * 1024 * 1024 };

/**
 * Reads the monolith's log from now on, with a reader of its own: the topic of the connector that is there, if it captures
 * every table of the Plan; else that of a connector which is made for the survey and taken away with it. So a survey works
 * on an application before anything else is set up. Gives its stop.
 */
export async function openSurveyLog(
  plan: Plan,
  hooks: SurveyLogHooks,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const capture = await openCapture(plan, signal);
  try {
    const from = await endOf(plan.kafka!.brokers, capture.topic);
    const reader = new LogReader(hooks, from);
    const close = await openSource({
      brokers: plan.kafka!.brokers,
      topic: capture.topic,
      reader: `strangler.${plan.name}.survey`,
      from,
      onMessages: (messages) => reader.take(messages),
      onEnd: hooks.onEnd,
    });
    return async () => {
      await close();
      reader.close();
      await capture.close();
    };
  } catch (error) {
    await capture.close();
    throw error;
  }
}

async function openCapture(plan: Plan, signal: AbortSignal): Promise<Capture> {
  const connect = new Connect(plan.kafka!.connect);
  const name = connectorName(plan, {});
  const [state, present] = [await connect.state(name), await connect.config(name)];
  const wanted = monolithConnector(plan)['table.include.list'];
  const serves =
    state?.state === 'RUNNING' && present?.['table.include.list'] === wanted && (await connect.placed(name));
  if (serves) return { topic: monolithTopic(plan), own: false, close: async () => {} };
  const own = surveyConnectorName(plan);
  const close = async () => {
    await connect.remove(own);
    await deleteSurveyTopics(plan);
  };
  try {
    await close(); // what a survey that was killed has left
    await createSurveyTopic(plan);
    await connect.put(own, surveyConnector(plan));
    await awaitRunning(() => connect.state(own), signal);
  } catch (error) {
    await close().catch(() => {}); // what went wrong first is told
    throw error;
  }
  return { topic: surveyTopic(plan), own: true, close };
}

async function awaitRunning(look: () => Promise<ConnectorState | undefined>, signal: AbortSignal): Promise<void> {
  for (const until = Date.now() + RUNNING_WITHIN_MS; ; ) {
    const state = await look();
    if (state?.state === 'RUNNING' || signal.aborted) return;
    const why = state?.reason ?? 'it has not started';
    if (state?.state === 'FAILED' || Date.now() > until) {
      throw new Error(
        `the monolith's log cannot be captured: ${why}. Has strangler init made the user of monolith.database.capture?`,
      );
    }
    await sleep(POLL_MS, signal);
  }
}

/** From messages to rows that an application has changed. */
class LogReader {
  readonly #hooks: SurveyLogHooks;
  readonly #assembler: Assembler;

  constructor(hooks: SurveyLogHooks, from: bigint) {
    this.#hooks = hooks;
    const wants = ({ table }: RowChange) => (table.startsWith('strangler_') ? undefined : []);
    this.#assembler = new Assembler(null, from, { open: () => new Spill(), wants });
  }

  async take(messages: readonly KafkaMessage[]): Promise<void> {
    try {
      for (const { value, headers, offset } of messages) {
        const unit = this.#assembler.push(decode(value, headers), BigInt(offset), value ?? undefined);
        if (unit?.kind === 'transaction') await this.#transaction(unit);
        else if (unit?.kind === 'large') await this.#large(unit);
      }
    } catch (error) {
      this.#hooks.onEnd(error as Error);
    }
  }

  close(): void {
    this.#assembler.close();
  }

  async #transaction(unit: SourceTransaction): Promise<void> {
    if (!isOurs(unit)) return this.#hooks.onRows(unit.id, unit.rows);
    for (const { table, at } of unit.rows) if (table === 'strangler_tick' && at !== undefined) this.#hooks.onTick(at);
  }

  async #large({ id, head, rows, position }: LargeTransaction): Promise<void> {
    try {
      if (isOurs({ kind: 'transaction', id, rows: [head], position })) return;
      for (const messages of rows.batches(BATCH)) {
        await this.#hooks.onRows(
          id,
          messages.map((message) => decode(message) as RowChange),
        );
      }
    } finally {
      rows.close();
    }
  }
}
