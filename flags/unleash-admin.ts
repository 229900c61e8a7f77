import { rolloutParameters } from './flag-file.ts';
import { type Feature, percentageOf } from './percentage.ts';

/** Where an Unleash server is and with what one may change it. */
export type UnleashServer = { url: string; token: string; adminToken: string; environment: string; project: string };

/** How long one call of the admin API may take, in ms. */
const TIMEOUT_MS = 3_000;

type Strategy = NonNullable<Feature['strategies']>[number] & { id: string; disabled?: boolean };

/** The admin API of an Unleash server, as far as one percentage per feature goes. Every call rejects with a sentence. */
export class UnleashAdmin {
  readonly #server: UnleashServer;

  constructor(server: UnleashServer) {
    this.#server = server;
  }

  /** Creates the feature without a strategy, so that nobody reads a percentage yet. False if it existed. */
  async create(capability: string): Promise<boolean> {
    if ((await this.#call('GET', this.#feature(capability), undefined, [404])) !== undefined) return false;
    const description = 'Share of users on the extracted service; moved by strangler and by you.';
    await this.#call('POST', this.#features(), { name: capability, type: 'release', description });
    return true;
  }

  /**
   * Sets the rollout of the feature's flexibleRollout strategies, making one if there is none, and enables it. A feature
   * that is more than a percentage is switched off if 0 is wanted, and rejected otherwise: it would not be read as written.
   */
  async set(capability: string, group: string, percentage: number, title: string): Promise<void> {
    const environment = `${this.#feature(capability)}/environments/${encodeURIComponent(this.#server.environment)}`;
    const all = (await this.#call('GET', `${environment}/strategies`)) as Strategy[];
    const strategies = all.filter(({ disabled }) => !disabled);
    const parameters = rolloutParameters(group, percentage);
    const feature = (await this.#call('GET', this.#feature(capability))) as Feature;
    const now = strategies.map((one) => ({ ...one, parameters: { ...one.parameters, ...parameters } }));
    const reading = percentageOf(
      { ...feature, enabled: true, environments: undefined, strategies: now } as Feature,
      group,
    );
    if ('problem' in reading && strategies.length > 0) {
      if (percentage > 0) throw new Error(`flag ${capability} ${reading.problem}`);
      await this.#call('POST', `${environment}/off`);
      return;
    }
    if (strategies.length === 0) {
      await this.#call('POST', `${environment}/strategies`, {
        name: 'flexibleRollout',
        title,
        constraints: [],
        parameters,
      });
    }
    const patch = [
      ...Object.entries(parameters).map(([key, value]) => ({ op: 'add', path: `/parameters/${key}`, value })),
      { op: 'add', path: '/title', value: title },
    ];
    for (const { id } of strategies) await this.#call('PATCH', `${environment}/strategies/${id}`, patch);
    await this.#call('POST', `${environment}/on`);
  }

  #features = (): string => `/api/admin/projects/${encodeURIComponent(this.#server.project)}/features`;
  #feature = (capability: string): string => `${this.#features()}/${encodeURIComponent(capability)}`;

  /** One call; undefined for a status that is tolerated. */
  async #call(method: string, path: string, body?: unknown, tolerated: number[] = []): Promise<unknown> {
    const url = this.#server.url.replace(/\/$/, '') + path;
    const send = () =>
      fetch(url, {
        method,
        headers: { authorization: this.#server.adminToken, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    let answer: Response;
    let text: string;
    try {
      // A kept-alive connection may end just as it is used again: what only reads is asked once more.
      answer = await send().catch((error) => {
        if (method === 'GET' && error.cause?.code === 'UND_ERR_SOCKET') return send();
        throw error;
      });
      text = await answer.text();
    } catch (error) {
      const cause = error as Error & { cause?: { code?: string } };
      throw new Error(`Unleash at ${this.#server.url} cannot be reached (${cause.cause?.code ?? cause.message})`, {
        cause,
      });
    }
    if (tolerated.includes(answer.status)) return undefined;
    if (answer.status === 401 || answer.status === 403) {
      throw new Error(
        `Unleash at ${this.#server.url} refuses flags.unleash.adminToken (${answer.status}): it must be an admin token`,
      );
    }
    if (!answer.ok) throw new Error(`Unleash: ${method} ${path} gave ${answer.status}: ${text.slice(0, 300)}`);
    try {
      return text ? JSON.parse(text) : {};
    } catch (error) {
      throw new Error(`Unleash: ${method} ${path} did not answer with JSON`, { cause: error });
    }
  }
}
