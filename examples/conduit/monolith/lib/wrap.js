// Express 4 does not look at promises.
module.exports = (handler) => (req, res, next) => Promise.resolve(handler(req, res, next)).catch(next);
