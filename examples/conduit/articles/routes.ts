import { Router } from 'express';
import type pg from 'pg';
import {
  addArticle,
  changeArticle,
  deleteArticle,
  type Found,
  findArticle,
  listArticles,
  listTags,
  setFavorite,
} from './article.ts';
import { addComment, commentOwner, deleteComment, listComments } from './comment.ts';
import { inTransaction, isOrphan, isTaken } from './database.ts';
import { changedArticle, idIn, newArticle, newComment, pageIn, type SlugOf, textIn } from './fields.ts';
import { forbidden, notFound, unprocessable } from './http/http-error.ts';
import { type Identity, type User, userOf, viewerOf } from './identity.ts';
import type { MakeTags } from './tags.ts';

/** What the routes are made of. */
export interface Articles {
  pool: pg.Pool;
  identity: Identity;
  slugOf: SlugOf;
  makeTags: MakeTags;
}

/** The monolith's articles, comments, favourites and tags, answer for answer. */
export const articlesRoutes = ({ pool, identity, slugOf, makeTags }: Articles): Router => {
  const { required, optional } = identity;
  const router = Router();

  const articleOf = async (viewer: User | undefined, slug: string): Promise<Found> => {
    const found = await findArticle(pool, viewer, slug);
    if (!found) throw notFound('article');
    return found;
  };

  router.get('/articles', optional, async ({ query }, response) => {
    const filter = { tag: textIn(query.tag), author: textIn(query.author), favorited: textIn(query.favorited) };
    response.json(await listArticles(pool, viewerOf(response), filter, pageIn(query)));
  });

  router.get('/articles/feed', required, async ({ query }, response) => {
    const reader = userOf(response);
    response.json(await listArticles(pool, reader, { feedOf: reader.id }, pageIn(query)));
  });

  router.post('/articles', required, async (request, response) => {
    const draft = newArticle(request.body, slugOf);
    await makeTags(pool, draft.tagList);
    const add = inTransaction(pool, (db) => addArticle(db, userOf(response), draft));
    response.status(201).json({ article: await add.catch(refuseTaken) });
  });

  router.get('/articles/:slug', optional, async (request, response) => {
    const { article } = await articleOf(viewerOf(response), request.params.slug as string);
    response.json({ article });
  });

  router.put('/articles/:slug', required, async (request, response) => {
    const user = userOf(response);
    const { id, authorId, article } = await articleOf(user, request.params.slug as string);
    if (authorId !== user.id) throw forbidden('article');
    const changes = changedArticle(request.body, slugOf);
    if (Object.keys(changes).length > 0) await changeArticle(pool, id, changes).catch(refuseTaken);
    response.json({ article: (await articleOf(user, changes.slug ?? article.slug)).article });
  });

  router.delete('/articles/:slug', required, async (request, response) => {
    const { id, authorId } = await articleOf(userOf(response), request.params.slug as string);
    if (authorId !== userOf(response).id) throw forbidden('article');
    await deleteArticle(pool, id);
    response.status(204).end();
  });

  router.get('/articles/:slug/comments', optional, async (request, response) => {
    const { id } = await articleOf(viewerOf(response), request.params.slug as string);
    response.json({ comments: await listComments(pool, viewerOf(response), id) });
  });

  router.post('/articles/:slug/comments', required, async (request, response) => {
    const { id } = await articleOf(userOf(response), request.params.slug as string);
    const add = addComment(pool, userOf(response), id, newComment(request.body));
    response.status(201).json({ comment: await add.catch(refuseOrphan) });
  });

  router.delete('/articles/:slug/comments/:id', required, async (request, response) => {
    const { id: articleId } = await articleOf(userOf(response), request.params.slug as string);
    const id = idIn(request.params.id);
    const owner = await commentOwner(pool, articleId, id);
    if (!owner) throw notFound('comment');
    if (owner.authorId !== userOf(response).id) throw forbidden('comment');
    await deleteComment(pool, id);
    response.status(204).end();
  });

  for (const [method, favorite] of [
    ['post', true],
    ['delete', false],
  ] as const) {
    router[method]('/articles/:slug/favorite', required, async (request, response) => {
      const user = userOf(response);
      const { id, article } = await articleOf(user, request.params.slug as string);
      await setFavorite(pool, user, id, favorite).catch(refuseOrphan);
      response.json({ article: (await articleOf(user, article.slug)).article });
    });
  }

  router.get('/tags', async (_request, response) => {
    response.json({ tags: await listTags(pool) });
  });

  return router;
};

const refuseTaken = (thrown: unknown): never => {
  throw isTaken(thrown) ? unprocessable({ slug: ['has already been taken'] }) : thrown;
};

const refuseOrphan = (thrown: unknown): never => {
  throw isOrphan(thrown) ? notFound('article') : thrown;
};
