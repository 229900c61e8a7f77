import type {
  CapabilityStatus,
  Comparison,
  DecisionRecord,
  DismissRequest,
  Owner,
  RampRequest,
  RollbackRequest,
  SetRequest,
  SettleRequest,
  Status,
} from '@strangler/plan';
import { sayBoundary } from './percent.ts';
import { Problem } from './problem.ts';
import { inert } from './text.ts';

/** Where control is and with which token one talks to it. */
export type ControlAccess = { readonly url: string; readonly token: string };

/** How long one answer may take, in ms. */
const TIMEOUT_MS = 10_000;
const RECORDS_AT_ONCE = 500;

/** Control does not answer, or not now (a standby, a lease lost): watching goes on and tries again. */
export class Unreachable extends Problem {}

/** The admin API of control. Every call throws a Problem that names the cause and the next step. */
export class AdminClient {
  readonly #to: ControlAccess;

  constructor(to: ControlAccess) {
    this.#to = to;
  }

  status = (): Promise<Status> => this.#call('GET', '/status');
  owner = (capability: string, user: string): Promise<Owner> =>
    this.#call('GET', `/owner/${encodeURIComponent(capability)}/${encodeURIComponent(user)}`, undefined, capability);
  ramp = (capability: string, body: RampRequest): Promise<CapabilityStatus> => this.#post(capability, 'ramp', body);
  set = (capability: string, body: SetRequest): Promise<CapabilityStatus> => this.#post(capability, 'set', body);
  rollback = (capability: string, body: RollbackRequest): Promise<CapabilityStatus> =>
    this.#post(capability, 'rollback', body);

  dismiss = (proxy: string, body: DismissRequest): Promise<Status> =>
    this.#call('POST', `/proxies/${encodeURIComponent(proxy)}/dismiss`, body);

  compared = (capability: string): Promise<Comparison> =>
    this.#call('GET', `/capabilities/${encodeURIComponent(capability)}/compared`, undefined, capability);
  forgetCompared = (capability: string): Promise<CapabilityStatus> => this.#post(capability, 'compared/forget', {});
  settle = (capability: string, body: SettleRequest): Promise<CapabilityStatus> =>
    this.#post(capability, 'settle', body);

  /** One capability of the status. */
  async capability(name: string): Promise<CapabilityStatus> {
    const { capabilities } = await this.status();
    const found = capabilities.find(({ capability }) => capability === name);
    if (!found) throw unknownCapability(name, capabilities);
    return found;
  }

  /** The newest records, oldest first. */
  async lastRecords(count: number, capability?: string): Promise<DecisionRecord[]> {
    let last: DecisionRecord[] = [];
    for (let after = 0; ; ) {
      const query = new URLSearchParams({
        after: `${after}`,
        limit: `${RECORDS_AT_ONCE}`,
        ...(capability ? { capability } : {}),
      });
      const { records } = await this.#call<{ records: DecisionRecord[] }>('GET', `/records?${query}`);
      last = [...last, ...records].slice(-count);
      const newest = records.at(-1)?.id;
      if (records.length < RECORDS_AT_ONCE || newest === undefined || newest <= after) return last;
      after = newest;
    }
  }

  #post = (capability: string, verb: string, body: object): Promise<CapabilityStatus> =>
    this.#call('POST', `/capabilities/${encodeURIComponent(capability)}/${verb}`, body, capability);

  async #call<T>(method: string, path: string, body?: object, capability?: string): Promise<T> {
    const { url, token } = this.#to;
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      text = await answer.text();
    } catch (cause) {
      throw unreachable(url, cause as Error);
    }
    let content: unknown;
    try {
      content = JSON.parse(text);
    } catch (cause) {
      throw new Problem(
        `what answers at ${url} is not control: ${method} ${path} gave ${answer.status} and no JSON. Check --control or control.listen in the Plan.`,
        1,
        { cause },
      );
    }
    if (answer.ok) return content as T;
    throw await this.#refusal(answer.status, content, capability);
  }

  async #refusal(status: number, content: unknown, capability?: string): Promise<Problem> {
    const { error } = content as { error?: { message?: unknown; correlationId?: unknown } };
    const message = inert(String(error?.message ?? 'no reason given'));
    const trace = error?.correlationId ? ` (correlation id ${inert(String(error.correlationId))})` : '';
    const { url } = this.#to;
    if (status === 401)
      return new Problem(
        `control at ${url} does not know this token: set STRANGLER_TOKEN to one of control.tokens of its Plan`,
      );
    if (status === 403)
      return new Problem(
        `control at ${url} forbids this with this token: ${message}. Use another of control.tokens of its Plan.`,
      );
    if (capability !== undefined && (status === 404 || status === 409)) {
      const all = (await this.status().catch(() => undefined))?.capabilities;
      const now = all?.find((one) => one.capability === capability);
      if (status === 404 && all && !now) return unknownCapability(capability, all);
      if (status === 409 && now) {
        return new Problem(
          `refused: ${message}. ${capability} now: ${sayBoundary(now.boundary)} on the service, ramp ${now.ramp.state}, version ${now.epoch}.`,
        );
      }
    }
    if (status < 500) return new Problem(`refused: ${message}`);
    const failed = `control at ${url} failed: ${message}${trace}`;
    return status === 503 ? new Unreachable(failed) : new Problem(failed);
  }
}

function unknownCapability(name: string, known: readonly CapabilityStatus[]): Problem {
  const names = known.map(({ capability }) => capability).join(', ') || 'none';
  return new Problem(`the Plan of control has no capability ${inert(name)}; it has: ${names}`);
}

function unreachable(url: string, cause: Error): Problem {
  const inner = cause.cause as { code?: string } | undefined;
  const why =
    cause.name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS / 1_000} s` : (inner?.code ?? cause.message);
  return new Unreachable(
    `control cannot be reached at ${url} (${why}). Start it with: strangler control --plan FILE, or name another with --control URL.`,
    1,
    { cause },
  );
}
