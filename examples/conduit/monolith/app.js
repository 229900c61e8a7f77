const express = require('express');
const wrap = require('./lib/wrap');
const { answerErrors, notFound } = require('./middleware/errors');
const { sequelize } = require('./models');

const app = express();

app.get(
  '/health',
  wrap(async (_req, res) => {
    await sequelize.query('SELECT 1');
    res.json({ status: 'ok' });
  }),
);

app.use('/admin', require('./routes/admin'));

app.use(express.json());
app.use('/api', require('./routes/users'));
app.use('/api/profiles', require('./routes/profiles'));
app.use('/api/articles', require('./routes/articles'));
app.use('/api/tags', require('./routes/tags'));
app.use('/webhooks', require('./routes/webhooks'));
app.use('/internal', require('./routes/internal'));

app.use(notFound);
app.use(answerErrors);

module.exports = app;
