const { sequelize } = require('../models');
require('../middleware/staff'); // its sessions are a table, too

sequelize
  .sync()
  .then(() => sequelize.close())
  .then(() => process.exit(0))
  .catch((err) => {
    console.error(err.message);
    process.exit(1);
  });
