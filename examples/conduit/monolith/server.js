const cron = require('node-cron');
const app = require('./app');
const config = require('./config');
const { recompute } = require('./jobs/popularity');
const { store } = require('./middleware/staff');
const { sequelize } = require('./models');

async function start() {
  await sequelize.sync();
  const server = app.listen(config.port, config.host, () => {
    console.log(`Conduit is listening on http://${config.host}:${server.address().port}`);
  });
  server.on('error', fail);

  const job =
    config.popularityCron === 'off'
      ? null
      : cron.schedule(config.popularityCron, () => recompute().catch(console.error), { noOverlap: true });

  let stopping = false;
  function stop() {
    if (stopping) return;
    stopping = true;
    if (job) job.destroy();
    store.stopExpiringSessions();
    server.close(() => {
      sequelize
        .close()
        .then(() => process.exit(0))
        .catch(fail);
    });
    setTimeout(() => server.closeAllConnections(), 5000).unref();
  }
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function fail(err) {
  console.error(err.message);
  process.exit(1);
}

start().catch(fail);
