const bcrypt = require('bcryptjs');
const express = require('express');
const config = require('../config');
const wrap = require('../lib/wrap');
const { articleErrors } = require('../lib/validate');
const { sessions, staffOnly } = require('../middleware/staff');
const { Article, Comment, User } = require('../models');
const views = require('../views/admin');

const router = express.Router();
const withAuthor = { model: User, as: 'author' };

router.use(sessions);
router.use(express.urlencoded({ extended: false }));

router.get('/login', (_req, res) => res.send(views.login()));

router.post(
  '/login',
  wrap(async (req, res, next) => {
    const { email, password } = req.body;
    const user = await User.findOne({ where: { email: String(email), role: 'staff' } });
    if (!user || !(await bcrypt.compare(String(password), user.password))) {
      return res.status(401).send(views.login('Wrong e-mail address or password.'));
    }
    req.session.regenerate((err) => {
      if (err) return next(err);
      req.session.staff = { id: user.id, username: user.username };
      res.redirect('/admin');
    });
  }),
);

router.use(staffOnly);

router.post('/logout', (req, res, next) => {
  req.session.destroy((err) => (err ? next(err) : res.redirect('/admin/login')));
});

router.get(
  '/',
  wrap(async (req, res) => {
    const list = await Article.findAll({
      include: withAuthor,
      order: [
        ['popularity', 'DESC'],
        ['id', 'DESC'],
      ],
      limit: 200,
    });
    res.send(views.articles(req.session.staff.username, list));
  }),
);

// An article may live elsewhere by now: what is in front of us knows where its author's writes go.
async function editWhereItLives(id, fields) {
  const answer = await fetch(`${config.frontUrl}/internal/articles/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-internal-token': config.internalToken },
    body: JSON.stringify(fields),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`article ${id} could not be edited: ${answer.status} ${await answer.text()}`);
}

router.param('article', (req, res, next, id) => {
  Article.findByPk(Number(id) || 0, { include: withAuthor })
    .then((article) => {
      if (!article) return res.status(404).send('There is no such article.');
      req.article = article;
      next();
    })
    .catch(next);
});

router.get(
  '/articles/:article',
  wrap(async (req, res) => {
    const comments = await Comment.findAll({ where: { articleId: req.article.id }, include: withAuthor });
    res.send(views.article(req.article, comments));
  }),
);

router.post(
  '/articles/:article',
  wrap(async (req, res) => {
    const { title, description, body } = req.body;
    const errors = articleErrors({ title, description, body });
    if (errors) return res.status(422).send(Object.entries(errors).flat(2).join(' '));
    if (config.frontUrl) await editWhereItLives(req.article.id, { title, description, body });
    // The slug stays: people have linked to it.
    else await req.article.update({ title, description, body });
    res.redirect(`/admin/articles/${req.article.id}`);
  }),
);

for (const [action, hidden] of [
  ['hide', true],
  ['show', false],
]) {
  router.post(
    `/articles/:article/${action}`,
    wrap(async (req, res) => {
      await req.article.update({ hidden });
      res.redirect(`/admin/articles/${req.article.id}`);
    }),
  );
}

router.post(
  '/comments/:id/delete',
  wrap(async (req, res) => {
    const comment = await Comment.findByPk(Number(req.params.id) || 0);
    if (!comment) return res.status(404).send('There is no such comment.');
    await comment.destroy();
    res.redirect(`/admin/articles/${comment.articleId}`);
  }),
);

module.exports = router;
