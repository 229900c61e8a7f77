const express = require('express');
const config = require('../config');
const wrap = require('../lib/wrap');
const slugOf = require('../lib/slug');
const { presentArticles, presentComments, profile } = require('../lib/present');
const { articleErrors, commentErrors, fieldsOf, textOf } = require('../lib/validate');
const auth = require('../middleware/auth');
const { Article, ArticleTag, Comment, Favorite, Follow, Tag, User } = require('../models');

const router = express.Router();

const withAuthor = { model: User, as: 'author' };
const newestFirst = [
  ['createdAt', 'DESC'],
  ['id', 'DESC'],
];

const slugless = { errors: { title: ['must contain a letter or a digit'] } };
const forbidden = (what) => ({ errors: { [what]: ['forbidden'] } });

function pageOf(query) {
  return {
    limit: Math.min(Math.max(Number.parseInt(query.limit, 10) || 20, 1), 100),
    offset: Math.min(Math.max(Number.parseInt(query.offset, 10) || 0, 0), 1000000),
  };
}

async function listArticles(req, res, where) {
  const { rows, count } = await Article.findAndCountAll({
    where: { ...where, hidden: false },
    include: withAuthor,
    order: newestFirst,
    ...pageOf(req.query),
  });
  res.json({ articles: await presentArticles(rows, req.user, { withBody: false }), articlesCount: count });
}

async function answerArticle(req, res, article) {
  const [json] = await presentArticles([article], req.user);
  res.json({ article: json });
}

async function addTags(article, names) {
  for (const name of names) {
    const [tag] = await Tag.findOrCreate({ where: { name } });
    await article.addTag(tag);
  }
}

// Runs after the guards of each route, so that who may not come in learns nothing.
const loadArticle = wrap(async (req, res, next) => {
  req.article = await Article.findOne({ where: { slug: req.params.slug, hidden: false }, include: withAuthor });
  if (!req.article) return res.status(404).json({ errors: { article: ['not found'] } });
  next();
});

router.get(
  '/',
  auth.optional,
  wrap(async (req, res) => {
    const where = {};
    const tag = textOf(req.query.tag);
    const author = textOf(req.query.author);
    const favorited = textOf(req.query.favorited);
    const ids = [];
    if (tag) {
      const found = await Tag.findOne({ where: { name: tag } });
      const tagged = found ? await ArticleTag.findAll({ where: { tagId: found.id }, raw: true }) : [];
      ids.push(tagged.map((row) => row.articleId));
    }
    if (favorited) {
      const fan = await User.findOne({ where: { username: favorited } });
      const favorites = fan ? await Favorite.findAll({ where: { userId: fan.id }, raw: true }) : [];
      ids.push(favorites.map((row) => row.articleId));
    }
    if (ids.length > 0) where.id = ids.reduce((some, others) => some.filter((id) => others.includes(id)));
    if (author) {
      const user = await User.findOne({ where: { username: author } });
      where.authorId = user ? user.id : 0;
    }
    await listArticles(req, res, where);
  }),
);

router.get(
  '/feed',
  auth.required,
  wrap(async (req, res) => {
    const follows = await Follow.findAll({ where: { followerId: req.user.id }, raw: true });
    await listArticles(req, res, { authorId: follows.map((follow) => follow.followedId) });
  }),
);

router.post(
  '/',
  auth.required,
  wrap(async (req, res) => {
    const fields = fieldsOf(req.body, 'article');
    const errors = articleErrors(fields);
    if (errors) return res.status(422).json({ errors });
    const { title, description, body, tagList } = fields;
    const slug = slugOf(title);
    if (!slug) return res.status(422).json(slugless);

    const article = await Article.create({ slug, title, description, body });
    const author = article.setAuthor(req.user);
    if (config.awaitWrites) {
      await author;
      await addTags(article, tagList || []);
    } else author.catch(console.error);

    res.status(201).json({
      article: {
        slug: article.slug,
        title: article.title,
        description: article.description,
        body: article.body,
        tagList: tagList || [],
        createdAt: article.createdAt,
        updatedAt: article.updatedAt,
        favorited: false,
        favoritesCount: 0,
        author: profile(req.user, false),
      },
    });
    if (!config.awaitWrites) addTags(article, tagList || []).catch(console.error);
  }),
);

router.get(
  '/:slug',
  auth.optional,
  loadArticle,
  wrap(async (req, res) => {
    await answerArticle(req, res, req.article);
  }),
);

router.put(
  '/:slug',
  auth.required,
  loadArticle,
  wrap(async (req, res) => {
    if (req.article.authorId !== req.user.id) return res.status(403).json(forbidden('article'));
    const { title, description, body } = fieldsOf(req.body, 'article');
    const errors = articleErrors({ title, description, body }, { partial: true });
    if (errors) return res.status(422).json({ errors });
    if (title !== undefined) {
      const slug = slugOf(title);
      if (!slug) return res.status(422).json(slugless);
      req.article.set({ title, slug });
    }
    if (description !== undefined) req.article.description = description;
    if (body !== undefined) req.article.body = body;
    await req.article.save();
    await answerArticle(req, res, req.article);
  }),
);

router.delete(
  '/:slug',
  auth.required,
  loadArticle,
  wrap(async (req, res) => {
    if (req.article.authorId !== req.user.id) return res.status(403).json(forbidden('article'));
    await req.article.destroy();
    res.status(204).end();
  }),
);

router.get(
  '/:slug/comments',
  auth.optional,
  loadArticle,
  wrap(async (req, res) => {
    const comments = await Comment.findAll({
      where: { articleId: req.article.id },
      include: withAuthor,
      order: [
        ['createdAt', 'ASC'],
        ['id', 'ASC'],
      ],
    });
    res.json({ comments: await presentComments(comments, req.user) });
  }),
);

router.post(
  '/:slug/comments',
  auth.required,
  loadArticle,
  wrap(async (req, res) => {
    const fields = fieldsOf(req.body, 'comment');
    const errors = commentErrors(fields);
    if (errors) return res.status(422).json({ errors });
    const comment = await Comment.create({
      body: fields.body,
      articleId: req.article.id,
      authorId: req.user.id,
    });
    comment.author = req.user;
    const [json] = await presentComments([comment], req.user);
    res.status(201).json({ comment: json });
  }),
);

router.delete(
  '/:slug/comments/:id',
  auth.required,
  loadArticle,
  wrap(async (req, res) => {
    const id = /^[1-9]\d{0,9}$/.test(req.params.id) ? Number(req.params.id) : 0;
    const comment = await Comment.findOne({ where: { id, articleId: req.article.id } });
    if (!comment) return res.status(404).json({ errors: { comment: ['not found'] } });
    if (comment.authorId !== req.user.id) return res.status(403).json(forbidden('comment'));
    await comment.destroy();
    res.status(204).end();
  }),
);

router.post(
  '/:slug/favorite',
  auth.required,
  loadArticle,
  wrap(async (req, res) => {
    await Favorite.findOrCreate({ where: { userId: req.user.id, articleId: req.article.id } });
    await answerArticle(req, res, req.article);
  }),
);

router.delete(
  '/:slug/favorite',
  auth.required,
  loadArticle,
  wrap(async (req, res) => {
    await Favorite.destroy({ where: { userId: req.user.id, articleId: req.article.id } });
    await answerArticle(req, res, req.article);
  }),
);

module.exports = router;
