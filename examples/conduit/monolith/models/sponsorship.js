const { DataTypes } = require('sequelize');

// What the payment provider has told us. Kept when the article goes: it is somebody's money.
module.exports = (sequelize) =>
  sequelize.define('Sponsorship', {
    eventId: { type: DataTypes.STRING(64), allowNull: false, unique: true },
    sponsor: { type: DataTypes.STRING, allowNull: false },
    amountCents: { type: DataTypes.INTEGER, allowNull: false },
    days: { type: DataTypes.INTEGER, allowNull: false },
  });
