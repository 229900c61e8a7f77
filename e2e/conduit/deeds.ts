import type { Chance } from '../chance.ts';
import { Article, Comment, type Ledger, Value } from './ledger.ts';
import { fateOf, type Person } from './person.ts';

/** What a deed has to do with: who does it, what is there already, and chance. */
export type Scene = {
  readonly ledger: Ledger;
  readonly chance: Chance;
  /** A number nobody has had. */
  readonly nth: number;
  /** Somebody else, and somebody new. */
  readonly other: (than: Person) => Person;
  readonly newcomer: () => Person;
};

type Deed = (person: Person, scene: Scene) => Promise<void>;

const TAGS = ['travel', 'food', 'Weather', 'weather', 'books', 'science', 'Café', 'cafe'];
/** New tags come as often as this, from few words, so that both sides meet the same new one at once. */
const NEW_TAG = 0.3;

const pick = <T>({ chance }: Scene, list: readonly T[]): T | undefined => list[chance.below(list.length)];

/** One of the newest articles that anybody may read. */
const someArticle = (scene: Scene): Article | undefined =>
  pick(
    scene,
    scene.ledger.articles.slice(-120).filter(({ open }) => open),
  );

const ownArticle = (scene: Scene, { username }: Person): Article | undefined =>
  pick(scene, scene.ledger.articles.filter(({ author, open }) => author === username && open).slice(-10));

/** Does something while nobody else writes into the article. */
export async function alone(thing: { busy: boolean }, work: () => Promise<void>): Promise<void> {
  thing.busy = true;
  await work().finally(() => {
    thing.busy = false;
  });
}

/** Looks for what was written just now, as its writer. */
async function readBack({ ledger }: Scene, person: Person, what: string, ...read: Parameters<Person['readUntil']>) {
  const times = await person.readUntil(...read);
  ledger.ownReads.asked++;
  if (times > 1) ledger.ownReads.late++;
  if (times === 0) ledger.complaints.push(`${person.username} could not read ${what}`);
}

const publish: Deed = async (person, scene) => {
  const { ledger, chance, nth } = scene;
  const tags = new Set(Array.from({ length: chance.below(4) }, () => pick(scene, TAGS)!));
  if (chance.happens(NEW_TAG)) tags.add(`of ${Math.floor(nth / 40)}`);
  const article = new Article(`No. ${nth}:`, person.username, `Written by ${person.username}, number ${nth}`, [
    ...tags,
  ]);
  ledger.articles.push(article);
  await alone(article, async () => {
    const [title, body] = [`${article.mark} on ${pick(scene, TAGS)}`, article.body.last];
    const fields = { title, description: article.description.last, body, tagList: article.tags };
    const reply = await person.askForNew('POST', '/api/articles', { article: fields });
    article.there.write(true, ledger.count(fateOf(reply)));
    if (reply?.status === 201) article.slug = reply.body.article.slug;
  });
  if (!article.open) return;
  const shows = (body: string) => body === article.body.last;
  await alone(article, () =>
    readBack(
      scene,
      person,
      article.mark,
      `/api/articles/${article.slug}`,
      (r) => r.status === 200 && shows(r.body.article.body),
    ),
  );
};

const edit: Deed = async (person, scene) => {
  const article = ownArticle(scene, person);
  if (!article) return;
  await alone(article, async () => {
    const body = `Edited by ${person.username}, number ${scene.nth}`;
    const path = `/api/articles/${article.slug}`;
    const reply = await person.ask('PUT', path, { article: { body } });
    article.body.write(body, scene.ledger.count(fateOf(reply)));
    if (reply?.status !== 200 || !article.there.last) return;
    await readBack(
      scene,
      person,
      `the edit of ${article.mark}`,
      path,
      (r) => r.status === 200 && r.body.article.body === body,
    );
  });
};

const remove: Deed = async (person, scene) => {
  const article = ownArticle(scene, person);
  if (!article) return;
  await alone(article, async () => {
    const reply = await person.ask('DELETE', `/api/articles/${article.slug}`);
    article.there.write(false, scene.ledger.count(fateOf(reply)));
  });
};

const comment: Deed = async (person, scene) => {
  const article = someArticle(scene);
  if (!article) return;
  const made = new Comment(`Said by ${person.username}, number ${scene.nth}`, person.username, article);
  scene.ledger.comments.push(made);
  const path = `/api/articles/${article.slug}/comments`;
  const reply = await person.askForNew('POST', path, { comment: { body: made.text } });
  made.there.write(true, scene.ledger.count(fateOf(reply)));
  if (reply?.status === 201) made.id = reply.body.comment.id;
};

const uncomment: Deed = async (person, scene) => {
  const own = scene.ledger.comments.filter(
    ({ by, id, busy, there, article }) =>
      by === person.username && id > 0 && !busy && there.last && there.sure && article.open,
  );
  const made = pick(scene, own);
  if (!made) return;
  await alone(made, async () => {
    const reply = await person.ask('DELETE', `/api/articles/${made.article.slug}/comments/${made.id}`);
    made.there.write(false, scene.ledger.count(fateOf(reply)));
  });
};

const like =
  (wanted: boolean): Deed =>
  async (person, scene) => {
    const { ledger } = scene;
    const liked = [...ledger.favorites.values()].filter(
      ({ by, there, article }) => by === person.username && there.last && article.open,
    );
    const article = wanted ? someArticle(scene) : pick(scene, liked)?.article;
    if (!article) return;
    const reply = await person.askForNew(wanted ? 'POST' : 'DELETE', `/api/articles/${article.slug}/favorite`);
    ledger.favorite(person.username, article).there.write(wanted, ledger.count(fateOf(reply)));
  };

const lookAround: Deed = async (person, scene) => {
  const paths = [
    '/api/articles?limit=10',
    '/api/articles/feed',
    `/api/articles?author=${person.username}`,
    '/api/tags',
  ];
  await person.ask('GET', pick(scene, paths)!);
};

const follow: Deed = async (person, { ledger, other }) => {
  const { username } = other(person);
  const reply = await person.ask('POST', `/api/profiles/${username}/follow`);
  const name = `${person.username} ${username}`;
  const known = ledger.follows.get(name) ?? new Value(false);
  ledger.follows.set(name, known);
  known.write(true, ledger.count(fateOf(reply)));
};

/** Whoever changes the address gets a new token, and the one before names nobody any more. */
const move: Deed = async (person, { ledger, nth }) => {
  const before = person.email;
  const email = `${person.username}.${nth}@conduit.test`;
  const reply = await person.ask('PUT', '/api/user', { user: { email } });
  ledger.count(fateOf(reply));
  if (reply?.status === 200) {
    person.email = email;
    person.token = reply.body.user.token;
  } else if (reply === undefined && !(await person.logIn(email))) await person.logIn(before);
};

/** Registers, and writes at once. */
const arrive: Deed = async (_, scene) => {
  const { ledger } = scene;
  const person = scene.newcomer();
  const reply = await person.register();
  const known = new Value(false);
  ledger.people.set(person.username, known);
  known.write(true, ledger.count(fateOf(reply)));
  if (reply?.status !== 201) return;
  person.token = reply.body.user.token;
  await publish(person, scene);
};

/** What people do, and how often. */
const DEEDS: readonly (readonly [number, Deed])[] = [
  [24, publish],
  [24, comment],
  [14, like(true)],
  [5, like(false)],
  [10, edit],
  [5, uncomment],
  [3, remove],
  [10, lookAround],
  [2, follow],
  [1.5, move],
  [1.5, arrive],
];
const TOTAL = DEEDS.reduce((sum, [often]) => sum + often, 0);

/** What somebody does next. */
export function someDeed(chance: Chance): Deed {
  let at = chance.between(0, TOTAL);
  for (const [often, deed] of DEEDS) {
    at -= often;
    if (at < 0) return deed;
  }
  return publish;
}
