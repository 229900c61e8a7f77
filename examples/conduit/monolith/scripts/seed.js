// node scripts/seed.js [users]: a small town of writers and readers, the same each time. Password of everybody: "password".
const bcrypt = require('bcryptjs');
const slugOf = require('../lib/slug');
const config = require('../config');
const { Article, ArticleTag, Comment, Favorite, Follow, Tag, User, sequelize } = require('../models');
require('../middleware/staff');

const users = Number(process.argv[2] || 50);
const ARTICLES_EACH = 3;
const words = ['rivers', 'bread', 'maps', 'winter', 'trains', 'gardens', 'ink', 'stars'];
const tagNames = ['travel', 'food', 'Weather', 'books', 'science', 'Café'];

// A linear congruential generator (Numerical Recipes): whole numbers below `below`, the same on every run.
let state = 1;
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const pick = (list) => list[random(list.length)];

function unique(rows, ...keys) {
  return [...new Map(rows.map((row) => [keys.map((key) => row[key]).join(' '), row])).values()];
}

async function seed() {
  await sequelize.sync();
  if (await User.count()) throw new Error('there are users already: seed an empty database');
  const password = await bcrypt.hash('password', config.bcryptRounds);
  await User.create({ username: 'editor', email: 'editor@conduit.test', password, role: 'staff' });
  await User.bulkCreate(
    Array.from({ length: users }, (_, n) => ({
      username: `writer${n}`,
      email: `writer${n}@conduit.test`,
      password,
      bio: n % 3 ? `I write about ${pick(words)}.` : null,
    })),
  );
  const people = await User.findAll({ where: { role: 'user' }, order: [['id', 'ASC']] });
  await Tag.bulkCreate(tagNames.map((name) => ({ name })));
  const tags = await Tag.findAll();

  const began = Date.now() - 30 * 24 * 60 * 60 * 1000;
  const drafts = people.flatMap((person, n) =>
    Array.from({ length: ARTICLES_EACH }, (_, at) => {
      const title = `On ${pick(words)} and ${pick(words)} ${n}-${at}`;
      const createdAt = new Date(began + random(30 * 24 * 60 * 60) * 1000);
      return {
        slug: slugOf(title),
        title,
        description: `What ${person.username} thinks of it`,
        body: `${title}. `.repeat(1 + random(20)),
        authorId: person.id,
        createdAt,
        updatedAt: createdAt,
      };
    }),
  );
  await Article.bulkCreate(drafts);
  const articles = await Article.findAll({ order: [['id', 'ASC']] });

  const some = (count, row) => Array.from({ length: count }, row);
  await ArticleTag.bulkCreate(
    unique(
      some(articles.length * 2, () => ({ articleId: pick(articles).id, tagId: pick(tags).id })),
      'articleId',
      'tagId',
    ),
  );
  await Comment.bulkCreate(
    some(articles.length * 2, () => ({
      body: `About ${pick(words)}: yes!`,
      articleId: pick(articles).id,
      authorId: pick(people).id,
    })),
  );
  await Favorite.bulkCreate(
    unique(
      some(articles.length * 3, () => ({ userId: pick(people).id, articleId: pick(articles).id })),
      'userId',
      'articleId',
    ),
  );
  await Follow.bulkCreate(
    unique(
      some(people.length * 4, () => ({ followerId: pick(people).id, followedId: pick(people).id })),
      'followerId',
      'followedId',
    ),
  );
  console.log(`${people.length} writers, ${articles.length} articles, and editor@conduit.test for /admin`);
}

seed()
  .then(() => sequelize.close())
  .then(() => process.exit(0))
  .catch((err) => {
    console.error(err.message);
    process.exit(1);
  });
