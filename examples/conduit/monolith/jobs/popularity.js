const { sequelize } = require('../models');

// Favourites and comments, the older the article the less. One statement over everybody's articles; updatedAt stays, or
// readers would take every article for edited.
async function recompute() {
  await sequelize.query(`
    UPDATE Articles a
    LEFT JOIN (SELECT articleId, COUNT(*) AS n FROM Favorites GROUP BY articleId) f ON f.articleId = a.id
    LEFT JOIN (SELECT articleId, COUNT(*) AS n FROM Comments GROUP BY articleId) c ON c.articleId = a.id
    SET a.popularity = ROUND(
      1000 * (3 * COALESCE(f.n, 0) + COALESCE(c.n, 0)) /
      POW(GREATEST(TIMESTAMPDIFF(HOUR, a.createdAt, UTC_TIMESTAMP()), 0) + 2, 0.5)
    )`);
}

module.exports = { recompute };

if (require.main === module) {
  recompute()
    .then(() => sequelize.close())
    .catch((err) => {
      console.error(err);
      process.exit(1);
    });
}
