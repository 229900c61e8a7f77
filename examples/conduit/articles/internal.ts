import { createHash, timingSafeEqual } from 'node:crypto';
import { Router } from 'express';
import type pg from 'pg';
import { editArticle } from './article.ts';
import { editedArticle, idIn } from './fields.ts';
import { HttpError, notFound } from './http/http-error.ts';

/** What staff of the monolith write into an article that lives here. Whoever holds the token may. */
export const internalRoutes = (pool: pg.Pool, token: string): Router => {
  const router = Router();
  router.use((request, _response, next) => {
    if (!timingSafeEqual(digest(request.get('x-internal-token') ?? ''), digest(token)))
      throw new HttpError(401, { token: ['is missing or invalid'] });
    next();
  });
  router.put('/articles/:article', async (request, response) => {
    const id = idIn(request.params.article);
    const slug = await editArticle(pool, id, editedArticle(request.body));
    if (slug === undefined) throw notFound('article');
    response.json({ article: { id, slug } });
  });
  return router;
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
