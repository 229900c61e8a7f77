const { DataTypes } = require('sequelize');

module.exports = (sequelize) =>
  sequelize.define('Article', {
    slug: { type: DataTypes.STRING, allowNull: false, unique: true },
    title: { type: DataTypes.STRING, allowNull: false },
    description: { type: DataTypes.STRING, allowNull: false },
    body: { type: DataTypes.TEXT, allowNull: false },
    hidden: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    popularity: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
    sponsoredUntil: DataTypes.DATE,
  });
