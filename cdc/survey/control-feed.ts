import type { Plan, SurveyAnswer, SurveyRequest } from '@strangler/plan';

const ANSWER_WITHIN_MS = 10_000;

/** Control will not tell us what proxies hear, and asking again does not help. */
export class ControlRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ControlRefusedError';
  }
}

/** Asks control what proxies tell of their writes; as long as it is asked, they go on telling. */
export class ControlFeed {
  readonly #url: string;
  readonly #token: string;
  #after: number | undefined;

  constructor({ control: { listen, tokens } }: Plan, url: string | undefined) {
    this.#url = new URL('/survey', url ?? addressOf(listen)).href;
    this.#token = tokens.operate ?? tokens.admin;
  }

  /** What is new since the last answer. Throws ControlRefusedError, and an Error if control does not answer. */
  async next(): Promise<SurveyAnswer> {
    const asked: SurveyRequest = this.#after === undefined ? {} : { after: this.#after };
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify(asked),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    }).catch((cause: unknown) => {
      throw new Error(`control does not answer at ${this.#url}; is it running?`, { cause });
    });
    const text = await response.text();
    if (!response.ok) {
      const why = `control answered ${response.status}: ${text.slice(0, 300)}`;
      throw response.status === 503 ? new Error(why) : new ControlRefusedError(why);
    }
    const answer = JSON.parse(text) as SurveyAnswer;
    this.#after = answer.next;
    return answer;
  }
}

/** Where to connect for what is listened on: every interface includes loopback. */
const addressOf = (listen: string): string =>
  `http://${listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}`;
