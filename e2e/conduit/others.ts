import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { Chance } from '../chance.ts';
import { CONDUIT_SECRETS, FRONTS } from './addresses.ts';
import { alone } from './deeds.ts';
import { type Article, type Ledger, Value } from './ledger.ts';
import { fateOf, type Reply, send } from './person.ts';

/** Where those find their work who are not the users of what they write. */
export type Work = { readonly ledger: Ledger; readonly chance: Chance; readonly dispatcher: Dispatcher };

const EDITOR = { email: 'editor@conduit.test', password: CONDUIT_SECRETS.password };
/** How long the provider waits before it sends an event again, ms. */
const AGAIN_MS = 300;

/** Staff at the admin page: edits, hides, shows and deletes what others wrote. */
export class Staff {
  readonly #work: Work;
  #cookie: string | undefined;
  #turn = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  /** Does the next thing. */
  async act(ids: (mark: string) => Promise<number | undefined>): Promise<void> {
    const { ledger, chance } = this.#work;
    const turn = this.#turn++;
    const articles = ledger.articles.slice(-200).filter(({ open }) => open);
    const article = articles[chance.below(articles.length)];
    if (turn % 3 === 2) return this.#deleteComment();
    if (!article) return;
    await alone(article, async () => {
      const id = await ids(article.mark);
      if (id === undefined) return; // on its way to the database that staff look at
      if (turn % 3 === 0) await this.#edit(article, id, turn);
      else for (const hidden of [true, false]) await this.#hide(article, id, hidden);
    });
  }

  async #edit(article: Article, id: number, turn: number): Promise<void> {
    const description = `Edited by staff, number ${turn}`;
    const form = { title: `${article.mark} on what staff say`, description, body: article.body.last };
    if (!article.body.sure) return; // staff write the whole form, and nobody knows what is in it
    const reply = await this.#post(`/admin/articles/${id}`, form);
    article.description.write(description, this.#work.ledger.count(fateOf(reply)));
  }

  async #hide(article: Article, id: number, hidden: boolean): Promise<void> {
    for (;;) {
      const reply = await this.#post(`/admin/articles/${id}/${hidden ? 'hide' : 'show'}`, {});
      article.hidden.write(hidden, this.#work.ledger.count(fateOf(reply)));
      if (reply) return;
      await sleep(AGAIN_MS);
    }
  }

  async #deleteComment(): Promise<void> {
    const { ledger, chance } = this.#work;
    const some = ledger.comments
      .slice(-200)
      .filter(({ id, busy, there }) => id > 0 && !busy && there.last && there.sure);
    const comment = some[chance.below(some.length)];
    if (!comment) return;
    await alone(comment, async () => {
      const reply = await this.#post(`/admin/comments/${comment.id}/delete`, {});
      const isDone = reply?.status === 302;
      comment.there.write(false, ledger.count(reply && !isDone ? 'refused' : fateOf(reply)));
    });
  }

  /** Sends a form, and signs in first if need be. */
  async #post(path: string, form: Record<string, string>): Promise<Reply | undefined> {
    const url = FRONTS[0]! + path;
    for (let times = 0; times < 2; times++) {
      this.#cookie ??= (
        await send(this.#work.dispatcher, `${FRONTS[0]}/admin/login`, 'POST', { form: EDITOR })
      )?.cookie;
      const reply = await send(this.#work.dispatcher, url, 'POST', { form, headers: { cookie: this.#cookie ?? '' } });
      if (reply?.status !== 302 || !reply.location.endsWith('/login')) return reply;
      this.#cookie = undefined;
    }
    return undefined;
  }
}

/** The payment provider: somebody has paid for an article to be sponsored; it tells so until it is answered. */
export async function sponsor({ ledger, chance, dispatcher }: Work, nth: number, signal: AbortSignal): Promise<void> {
  const articles = ledger.articles.slice(-200).filter(({ open }) => open);
  const article = articles[chance.below(articles.length)];
  if (!article) return;
  const id = `evt_${nth}`;
  const event = { id, slug: article.slug, sponsor: 'Acme', amountCents: 500 + nth, days: 1 + chance.below(30) };
  const headers = { 'x-webhook-secret': CONDUIT_SECRETS.webhook };
  const known = new Value(false);
  ledger.events.set(id, known);
  while (!signal.aborted) {
    const reply = await send(dispatcher, `${FRONTS[1]}/webhooks/sponsorships`, 'POST', { headers, json: event });
    known.write(true, ledger.count(fateOf(reply)));
    if (reply) return;
    await sleep(AGAIN_MS);
  }
}
