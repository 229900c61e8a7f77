const express = require('express');
const config = require('../config');
const wrap = require('../lib/wrap');
const { articleErrors } = require('../lib/validate');
const { isSecret } = require('../lib/secret');
const { Article, Tag } = require('../models');

// For services that were taken out of us, and for staff: whoever holds the token may ask.
const router = express.Router();

router.use((req, res, next) => {
  if (!isSecret(req.get('x-internal-token'), config.internalToken))
    return res.status(401).json({ errors: { token: ['is missing or invalid'] } });
  next();
});

// The tags of these names, made if need be: one side alone gives a name its id.
router.put(
  '/tags',
  wrap(async (req, res) => {
    const { names } = req.body;
    if (articleErrors({ tagList: names }, { partial: true }))
      return res.status(422).json({ errors: { names: ['must be a list of words'] } });
    const tags = [];
    for (const name of names) {
      const [tag] = await Tag.findOrCreate({ where: { name } });
      tags.push({ id: tag.id, name: tag.name });
    }
    res.json({ tags });
  }),
);

// What staff write into an article. The slug stays: people have linked to it.
router.put(
  '/articles/:article',
  wrap(async (req, res) => {
    const { title, description, body } = req.body;
    const errors = articleErrors({ title, description, body });
    if (errors) return res.status(422).json({ errors });
    const article = await Article.findByPk(Number(req.params.article) || 0);
    if (!article) return res.status(404).json({ errors: { article: ['not found'] } });
    await article.update({ title, description, body });
    res.json({ article: { id: article.id, slug: article.slug } });
  }),
);

module.exports = router;
