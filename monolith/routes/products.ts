import { Router } from 'express';
import { Op } from 'sequelize';
import { idInPath, limitOf, mistakes } from '../http/fields.ts';
import { notFound } from '../http/http-error.ts';
import type { Models } from '../models.ts';

export const productsRoutes = ({ Product }: Models): Router => {
  const router = Router();

  router.get('/', async (request, response) => {
    const found = mistakes();
    const limit = limitOf(request.query, found);
    const after = request.query.after ?? '0';
    if (typeof after !== 'string' || !/^\d{1,18}$/.test(after)) found.add('after', 'must be the id of a product');
    found.refuse();
    const rows = await Product.findAll({
      where: { id: { [Op.gt]: String(after) } },
      order: [['id', 'ASC']],
      limit: limit + 1,
      raw: true,
    });
    const products = rows.slice(0, limit);
    response.json({ products, next: rows.length > limit ? products.at(-1)!.id : null });
  });

  router.get('/:id', async (request, response) => {
    const product = await Product.findByPk(idInPath(request.params.id, 'product'), { raw: true });
    if (!product) throw notFound('product');
    response.json(product);
  });

  return router;
};
