const { Sequelize } = require('sequelize');
const config = require('../config');

const sequelize = new Sequelize(config.databaseUrl, {
  dialect: 'mysql',
  logging: false,
  pool: { max: config.databasePool },
});

const User = require('./user')(sequelize);
const Article = require('./article')(sequelize);
const Comment = require('./comment')(sequelize);
const Tag = require('./tag')(sequelize);
const Sponsorship = require('./sponsorship')(sequelize);
const ArticleTag = sequelize.define('ArticleTag', {}, { tableName: 'ArticleTags', timestamps: false });
const Favorite = sequelize.define('Favorite', {}, { tableName: 'Favorites' });
const Follow = sequelize.define('Follow', {}, { tableName: 'Follows' });

Article.belongsTo(User, { as: 'author', foreignKey: 'authorId' });
User.hasMany(Article, { as: 'articles', foreignKey: 'authorId' });

Comment.belongsTo(User, { as: 'author', foreignKey: 'authorId' });
Comment.belongsTo(Article, { foreignKey: 'articleId', onDelete: 'CASCADE' });
Article.hasMany(Comment, { foreignKey: 'articleId', onDelete: 'CASCADE' });

Article.belongsToMany(Tag, { through: ArticleTag, as: 'tags', foreignKey: 'articleId', otherKey: 'tagId' });
Tag.belongsToMany(Article, { through: ArticleTag, as: 'articles', foreignKey: 'tagId', otherKey: 'articleId' });
ArticleTag.belongsTo(Tag, { as: 'tag', foreignKey: 'tagId' });

User.belongsToMany(Article, { through: Favorite, as: 'favorites', foreignKey: 'userId', otherKey: 'articleId' });
Article.belongsToMany(User, { through: Favorite, as: 'fans', foreignKey: 'articleId', otherKey: 'userId' });

User.belongsToMany(User, { through: Follow, as: 'followed', foreignKey: 'followerId', otherKey: 'followedId' });
User.belongsToMany(User, { through: Follow, as: 'followers', foreignKey: 'followedId', otherKey: 'followerId' });

Sponsorship.belongsTo(Article, { foreignKey: 'articleId' });

module.exports = { sequelize, User, Article, Comment, Tag, ArticleTag, Favorite, Follow, Sponsorship };
