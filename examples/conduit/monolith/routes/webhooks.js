const express = require('express');
const config = require('../config');
const wrap = require('../lib/wrap');
const { isSecret } = require('../lib/secret');
const { Article, Sponsorship, sequelize } = require('../models');

const router = express.Router();
const DAY = 24 * 60 * 60 * 1000;

const isEvent = ({ id, slug, sponsor, amountCents, days }) =>
  [id, slug, sponsor].every((text) => typeof text === 'string' && text !== '') &&
  [amountCents, days].every((number) => Number.isInteger(number) && number > 0);

// The payment provider: somebody has paid for an article to be sponsored. It tries again until it is answered 200, so an
// event that is known is answered 200, too.
router.post(
  '/sponsorships',
  wrap(async (req, res) => {
    if (!isSecret(req.get('x-webhook-secret'), config.webhookSecret))
      return res.status(401).json({ errors: { secret: ['is wrong'] } });
    if (!isEvent(req.body)) return res.status(422).json({ errors: { event: ['is incomplete'] } });
    const { id, slug, sponsor, amountCents, days } = req.body;
    const article = await Article.findOne({ where: { slug } });
    if (!article) return res.status(404).json({ errors: { article: ['not found'] } });
    await sequelize.transaction(async (transaction) => {
      const [, isNew] = await Sponsorship.findOrCreate({
        where: { eventId: id },
        defaults: { sponsor, amountCents, days, articleId: article.id },
        transaction,
      });
      if (!isNew) return;
      await article.reload({ transaction, lock: true });
      const from = Math.max(Date.now(), article.sponsoredUntil || 0);
      await article.update({ sponsoredUntil: new Date(from + days * DAY) }, { transaction });
    });
    res.json({ received: true });
  }),
);

module.exports = router;
