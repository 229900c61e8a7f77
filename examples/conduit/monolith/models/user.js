const { DataTypes } = require('sequelize');

module.exports = (sequelize) =>
  sequelize.define('User', {
    username: { type: DataTypes.STRING, allowNull: false, unique: true },
    email: { type: DataTypes.STRING, allowNull: false, unique: true },
    password: { type: DataTypes.STRING, allowNull: false },
    bio: DataTypes.TEXT,
    image: DataTypes.TEXT,
    // 'user' or 'staff'; staff may log in at /admin
    role: { type: DataTypes.STRING(16), allowNull: false, defaultValue: 'user' },
  });
