import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client, clientOf, type Reply, until } from './client.ts';
import { masker } from './masked.ts';
import { type Side, startMonolith, startService } from './sides.ts';

// The API of articles as a client sees it: the same cases, in the same order, against the monolith and against the
// service, and in the end every answer must have been the same, but for times and minted ids.

interface Town {
  side: Side;
  ann: Client;
  bob: Client;
  anyone: Client;
  /** The ids of the comments, in the order in which they were written. */
  comments: number[];
}

type Ask = (town: Town) => Promise<Reply>;
type Case = [title: string, status: number, ask: Ask, body?: unknown];

const profileOf = (username: string, following = false) => ({ username, bio: null, image: null, following });

const shown = (title: string, author: string, more: Record<string, unknown> = {}) => ({
  slug: title.toLowerCase().replaceAll(' ', '-'),
  title,
  description: `${title}?`,
  body: `${title}!`,
  tagList: [],
  createdAt: 'a time',
  updatedAt: 'a time',
  favorited: false,
  favoritesCount: 0,
  author: profileOf(author),
  ...more,
});

const errors = (name: string, mistake: string) => ({ errors: { [name]: [mistake] } });
const noToken = errors('token', 'is missing or invalid');

const draft = (title: string, tagList?: unknown) => ({
  article: { title, description: `${title}?`, body: `${title}!`, ...(tagList !== undefined && { tagList }) },
});

/** Writes an article and waits until whatever its writer did after the answer is done. */
const write =
  (who: 'ann' | 'bob', title: string, tagList: string[] = []): Ask =>
  async (town) => {
    const reply = await town[who]('POST', '/api/articles', draft(title, tagList));
    const tags = new Set(tagList.map((tag) => tag.toLowerCase())).size;
    await until(
      () => town.anyone('GET', `/api/articles/${reply.body.article.slug}`),
      ({ body }) => body.article?.author && body.article.tagList.length === tags,
    );
    return reply;
  };

const comment =
  (who: 'ann' | 'bob', body: string): Ask =>
  async (town) => {
    const reply = await town[who]('POST', '/api/articles/how-to-bake/comments', { comment: { body } });
    town.comments.push(reply.body.comment.id);
    return reply;
  };

const deleteComment =
  (who: 'ann' | 'bob' | 'anyone', at: number, slug = 'how-to-bake'): Ask =>
  (town) =>
    town[who]('DELETE', `/api/articles/${slug}/comments/${town.comments[at]}`);

const slugs = async (asked: Promise<Reply>): Promise<Reply> => {
  const reply = await asked;
  const { articles, articlesCount } = reply.body;
  return { ...reply, body: [articlesCount, ...articles.map(({ slug }: { slug: string }) => slug)] };
};

const list =
  (query: string, who: 'ann' | 'bob' | 'anyone' = 'anyone'): Ask =>
  (town) =>
    slugs(town[who]('GET', `/api/articles${query}`));

const cases: Case[] = [
  ['no articles', 200, ({ anyone }) => anyone('GET', '/api/articles'), { articles: [], articlesCount: 0 }],
  ['no tags', 200, ({ anyone }) => anyone('GET', '/api/tags'), { tags: [] }],
  [
    'a new article',
    201,
    write('ann', 'How to bake', ['food', 'Bread']),
    { article: shown('How to bake', 'ann', { tagList: ['food', 'Bread'] }) },
  ],
  [
    'the article, its tags in order',
    200,
    ({ anyone }) => anyone('GET', '/api/articles/how-to-bake'),
    { article: shown('How to bake', 'ann', { tagList: ['Bread', 'food'] }) },
  ],
  ['the same slug in capitals', 200, ({ anyone }) => anyone('GET', '/api/articles/HOW-TO-BAKE')],
  ['one without tags', 201, write('bob', 'Trains'), { article: shown('Trains', 'bob') }],
  [
    'tags that differ in case from those there are',
    201,
    write('bob', 'More bread', ['BREAD', 'bread', 'café']),
    { article: shown('More bread', 'bob', { tagList: ['BREAD', 'bread', 'café'] }) },
  ],
  ['which are the same tags', 200, ({ anyone }) => anyone('GET', '/api/articles/more-bread')],
  ['accents', 201, write('ann', 'Élan vital & co', ['Cafe'])],
  [
    'all tags, by name',
    200,
    ({ anyone }) => anyone('GET', '/api/tags'),
    {
      tags: ['Bread', 'café', 'food'],
    },
  ],
  [
    'a title that is taken',
    422,
    ({ bob }) => bob('POST', '/api/articles', draft('how to BAKE')),
    errors('slug', 'has already been taken'),
  ],
  [
    'an empty article',
    422,
    ({ ann }) => ann('POST', '/api/articles', { article: {} }),
    { errors: { title: ["can't be blank"], description: ["can't be blank"], body: ["can't be blank"] } },
  ],
  ['no article at all', 422, ({ ann }) => ann('POST', '/api/articles', {})],
  ['an article that is a list', 422, ({ ann }) => ann('POST', '/api/articles', { article: [] })],
  ['no body', 422, ({ ann }) => ann('POST', '/api/articles')],
  ['a title of numbers', 422, ({ ann }) => ann('POST', '/api/articles', { article: { title: 7 } })],
  ['a title too long', 422, ({ ann }) => ann('POST', '/api/articles', draft('x'.repeat(256)))],
  [
    'a body too long',
    422,
    ({ ann }) =>
      ann('POST', '/api/articles', { article: { title: 'Long', description: 'Long?', body: 'é'.repeat(32_768) } }),
    errors('body', 'is too long'),
  ],
  [
    'a title of which no slug is left',
    422,
    ({ ann }) => ann('POST', '/api/articles', draft('!?')),
    errors('title', 'must contain a letter or a digit'),
  ],
  [
    'tags that are none',
    422,
    ({ ann }) => ann('POST', '/api/articles', draft('Tagged', [1])),
    errors('tagList', 'must be a list of words'),
  ],
  ['a tag that is blank', 422, ({ ann }) => ann('POST', '/api/articles', draft('Tagged', ['a', ' ']))],
  ['nobody writes', 401, ({ anyone }) => anyone('POST', '/api/articles', draft('Nobody')), noToken],
  ['a forged token', 401, ({ side }) => clientOf(side.url, 'x.y.z')('GET', '/api/articles'), noToken],
  [
    'a scheme nobody knows',
    401,
    ({ anyone }) => anyone('GET', '/api/articles/trains', undefined, { authorization: 'Basic YTpi' }),
    noToken,
  ],
  ['a body that is not JSON', 400, ({ ann }) => ann('POST', '/api/articles', '{'), errors('body', 'is not valid JSON')],
  ['a body over 100 kB', 413, ({ ann }) => ann('POST', '/api/articles', draft('x'.repeat(102_400)))],

  ['all articles, newest first', 200, list(''), [4, 'elan-vital-and-co', 'more-bread', 'trains', 'how-to-bake']],
  ['a list leaves the bodies out', 200, ({ anyone }) => anyone('GET', '/api/articles')],
  ['a page', 200, list('?limit=2&offset=1'), [4, 'more-bread', 'trains']],
  ['a page beyond the end', 200, list('?offset=9'), [4]],
  ['limits that make no sense', 200, list('?limit=-1&offset=x'), [4, 'elan-vital-and-co']],
  ['by tag, in whatever case', 200, list('?tag=bREAD'), [2, 'more-bread', 'how-to-bake']],
  ['by a tag that nobody has', 200, list('?tag=none'), [0]],
  ['by author', 200, list('?author=Ann'), [2, 'elan-vital-and-co', 'how-to-bake']],
  ['by an author who does not exist', 200, list('?author=none'), [0]],
  ['by tag and author', 200, list('?tag=bread&author=ann'), [1, 'how-to-bake']],
  [
    'filters that are no texts',
    200,
    list('?tag[]=x&author[a]=b&favorited='),
    [4, 'elan-vital-and-co', 'more-bread', 'trains', 'how-to-bake'],
  ],

  ['the feed of somebody who follows nobody', 200, list('/feed', 'bob'), [0]],
  ['the feed of ann, who follows bob', 200, list('/feed', 'ann'), [2, 'more-bread', 'trains']],
  ['a page of it', 200, list('/feed?limit=1', 'ann'), [2, 'more-bread']],
  ['the feed of nobody', 401, ({ anyone }) => anyone('GET', '/api/articles/feed'), noToken],
  [
    'an article as seen by a follower of its author',
    200,
    ({ ann }) => ann('GET', '/api/articles/trains'),
    { article: shown('Trains', 'bob', { author: profileOf('bob', true) }) },
  ],

  [
    'a favourite',
    200,
    ({ bob }) => bob('POST', '/api/articles/how-to-bake/favorite'),
    { article: shown('How to bake', 'ann', { tagList: ['Bread', 'food'], favorited: true, favoritesCount: 1 }) },
  ],
  ['the same again', 200, ({ bob }) => bob('POST', '/api/articles/how-to-bake/favorite')],
  ['another’s', 200, ({ ann }) => ann('POST', '/api/articles/how-to-bake/favorite')],
  ['as seen by nobody', 200, ({ anyone }) => anyone('GET', '/api/articles/how-to-bake')],
  ['by who likes it', 200, list('?favorited=bob'), [1, 'how-to-bake']],
  ['by who likes it and whose it is', 200, list('?favorited=bob&author=bob'), [0]],
  ['no longer', 200, ({ bob }) => bob('DELETE', '/api/articles/how-to-bake/favorite')],
  ['no longer, again', 200, ({ bob }) => bob('DELETE', '/api/articles/how-to-bake/favorite')],
  ['a favourite of nobody', 401, ({ anyone }) => anyone('POST', '/api/articles/how-to-bake/favorite'), noToken],
  [
    'a favourite that does not exist',
    404,
    ({ bob }) => bob('POST', '/api/articles/none/favorite'),
    errors('article', 'not found'),
  ],

  [
    'a comment on another’s article',
    201,
    comment('bob', 'Yes!'),
    { comment: { id: 1, createdAt: 'a time', updatedAt: 'a time', body: 'Yes!', author: profileOf('bob') } },
  ],
  ['a comment on one’s own', 201, comment('ann', 'Thank you.')],
  ['the comments', 200, ({ anyone }) => anyone('GET', '/api/articles/how-to-bake/comments')],
  ['the comments as seen by ann', 200, ({ ann }) => ann('GET', '/api/articles/how-to-bake/comments')],
  [
    'an empty comment',
    422,
    ({ ann }) => ann('POST', '/api/articles/trains/comments', { comment: { body: ' ' } }),
    errors('body', "can't be blank"),
  ],
  ['a comment of nobody', 401, ({ anyone }) => anyone('POST', '/api/articles/trains/comments'), noToken],
  ['comments on nothing', 404, ({ ann }) => ann('POST', '/api/articles/none/comments', { comment: { body: 'x' } })],
  ['another’s comment cannot be deleted', 403, deleteComment('ann', 0), errors('comment', 'forbidden')],
  ['nobody deletes', 401, deleteComment('anyone', 0), noToken],
  ['a comment of another article', 404, deleteComment('bob', 0, 'trains'), errors('comment', 'not found')],
  ['one’s own comment is deleted', 204, deleteComment('bob', 0), ''],
  ['only once', 404, deleteComment('bob', 0)],
  ['an id that is none', 404, ({ ann }) => ann('DELETE', '/api/articles/how-to-bake/comments/1x')],
  ['an id that cannot be', 404, ({ ann }) => ann('DELETE', '/api/articles/how-to-bake/comments/9999999999')],
  ['the comments that are left', 200, ({ anyone }) => anyone('GET', '/api/articles/how-to-bake/comments')],

  [
    'a change',
    200,
    ({ bob }) => bob('PUT', '/api/articles/trains', { article: { body: 'Slow ones.' } }),
    { article: shown('Trains', 'bob', { body: 'Slow ones.' }) },
  ],
  [
    'a new title is a new slug',
    200,
    ({ bob }) => bob('PUT', '/api/articles/trains', { article: { title: 'Night trains', tagList: ['ignored'] } }),
    { article: shown('Night trains', 'bob', { description: 'Trains?', body: 'Slow ones.' }) },
  ],
  ['the old one is gone', 404, ({ anyone }) => anyone('GET', '/api/articles/trains'), errors('article', 'not found')],
  ['a title that another has', 422, ({ bob }) => bob('PUT', '/api/articles/night-trains', draft('How to bake'))],
  ['a change to nothing', 422, ({ bob }) => bob('PUT', '/api/articles/night-trains', { article: { body: null } })],
  ['no change', 200, ({ bob }) => bob('PUT', '/api/articles/night-trains', {})],
  ['a change to another’s', 403, ({ ann }) => ann('PUT', '/api/articles/night-trains', draft('Mine'))],
  ['a change by nobody', 401, ({ anyone }) => anyone('PUT', '/api/articles/night-trains', draft('Mine')), noToken],
  ['a change of what does not exist', 404, ({ ann }) => ann('PUT', '/api/articles/none', draft('Mine'))],

  ['another’s article cannot be deleted', 403, ({ bob }) => bob('DELETE', '/api/articles/how-to-bake')],
  ['nobody deletes articles', 401, ({ anyone }) => anyone('DELETE', '/api/articles/how-to-bake'), noToken],
  ['one’s own is deleted', 204, ({ ann }) => ann('DELETE', '/api/articles/how-to-bake'), ''],
  ['it is gone', 404, ({ ann }) => ann('GET', '/api/articles/how-to-bake')],
  ['and its comments', 404, ({ ann }) => ann('GET', '/api/articles/how-to-bake/comments')],
  ['its title may be used again', 201, write('bob', 'How to bake')],
  [
    'without what hung on it',
    200,
    ({ anyone }) => anyone('GET', '/api/articles/how-to-bake'),
    { article: shown('How to bake', 'bob') },
  ],
  ['tags stay', 200, ({ anyone }) => anyone('GET', '/api/tags'), { tags: ['Bread', 'café', 'food'] }],
  ['a path that is none', 404, ({ anyone }) => anyone('GET', '/api/articles/a/b/c'), errors('path', 'not found')],
  ['a path that cannot be decoded', 400, ({ anyone }) => anyone('GET', '/api/articles/%E0%A4%A')],
  ['the health', 200, ({ anyone }) => anyone('GET', '/health'), { status: 'ok' }],
];

const heard: Record<string, unknown[]> = {};

describe.each([
  ['the monolith', startMonolith],
  ['the service', startService],
])('%s', (name, start) => {
  const mask = masker();
  const answers: unknown[] = [];
  let town: Town;

  beforeAll(async () => {
    const side = await start();
    town = {
      side,
      ann: await side.register('ann'),
      bob: await side.register('bob'),
      anyone: clientOf(side.url),
      comments: [],
    };
    await side.follow('ann', 'bob');
    heard[name] = answers;
  });
  afterAll(async () => {
    expect(await town.side.stop()).toBe(0);
  });

  for (const [title, status, ask, body] of cases) {
    test(title, async () => {
      const reply = await ask(town);
      const answer = mask(reply.body);
      answers.push({ title, status: reply.status, type: reply.headers.get('content-type'), answer });
      expect({ status: reply.status, answer }).toMatchObject({ status });
      if (body !== undefined) expect(answer).toEqual(body);
    });
  }
});

test('both have answered the same, case for case', () => {
  expect(heard['the service']).toHaveLength(cases.length);
  expect(heard['the service']).toEqual(heard['the monolith']);
});
