const { UniqueConstraintError, ValidationError } = require('sequelize');

const bodyErrors = {
  'entity.parse.failed': 'is not valid JSON',
  'entity.too.large': 'is too large',
};

function notFound(_req, res) {
  res.status(404).json({ errors: { path: ['not found'] } });
}

function answerErrors(err, _req, res, next) {
  if (res.headersSent) return next(err);
  if (err instanceof ValidationError) {
    const message = err instanceof UniqueConstraintError ? 'has already been taken' : undefined;
    const errors = Object.fromEntries(err.errors.map((item) => [item.path, [message || item.message]]));
    return res.status(422).json({ errors });
  }
  if (err.status >= 400 && err.status < 500) {
    return res.status(err.status).json({ errors: { body: [bodyErrors[err.type] || 'cannot be read'] } });
  }
  console.error(err);
  res.status(500).json({ errors: { server: ['something went wrong'] } });
}

module.exports = { notFound, answerErrors };
