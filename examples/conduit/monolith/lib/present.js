const { fn, col } = require('sequelize');
const { ArticleTag, Favorite, Follow, Tag } = require('../models');

const profile = (user, following) => ({
  username: user.username,
  bio: user.bio,
  image: user.image,
  following,
});

// Whom of these users the viewer follows, as a set of ids.
async function followedBy(viewer, userIds) {
  if (!viewer) return new Set();
  const follows = await Follow.findAll({ where: { followerId: viewer.id, followedId: userIds }, raw: true });
  return new Set(follows.map((follow) => follow.followedId));
}

// The JSON of articles (loaded with their authors), in the order given.
async function presentArticles(articles, viewer, { withBody = true } = {}) {
  const ids = articles.map((article) => article.id);
  const authorIds = articles.map((article) => article.authorId).filter(Boolean);
  const [tagged, counts, favorites, followed] = await Promise.all([
    ArticleTag.findAll({
      where: { articleId: ids },
      include: { model: Tag, as: 'tag' },
      order: [[{ model: Tag, as: 'tag' }, 'name', 'ASC']],
    }),
    Favorite.findAll({
      attributes: ['articleId', [fn('COUNT', col('userId')), 'count']],
      where: { articleId: ids },
      group: ['articleId'],
      raw: true,
    }),
    viewer ? Favorite.findAll({ where: { articleId: ids, userId: viewer.id }, raw: true }) : [],
    followedBy(viewer, authorIds),
  ]);
  const favorited = new Set(favorites.map((favorite) => favorite.articleId));
  const countOf = new Map(counts.map((row) => [row.articleId, Number(row.count)]));
  return articles.map((article) => ({
    slug: article.slug,
    title: article.title,
    description: article.description,
    ...(withBody && { body: article.body }),
    tagList: tagged.filter((row) => row.articleId === article.id).map((row) => row.tag.name),
    createdAt: article.createdAt,
    updatedAt: article.updatedAt,
    favorited: favorited.has(article.id),
    favoritesCount: countOf.get(article.id) || 0,
    author: article.author ? profile(article.author, followed.has(article.authorId)) : null,
  }));
}

async function presentComments(comments, viewer) {
  const followed = await followedBy(viewer, comments.map((comment) => comment.authorId).filter(Boolean));
  return comments.map((comment) => ({
    id: comment.id,
    createdAt: comment.createdAt,
    updatedAt: comment.updatedAt,
    body: comment.body,
    author: comment.author ? profile(comment.author, followed.has(comment.authorId)) : null,
  }));
}

module.exports = { profile, followedBy, presentArticles, presentComments };
