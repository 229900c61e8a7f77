const jwt = require('jsonwebtoken');
const config = require('../config');
const wrap = require('../lib/wrap');
const { User } = require('../models');

// The address is all that a token says; old clients send "Bearer" instead of "Token".
function sign(email) {
  return jwt.sign({ email }, config.jwtSecret, { algorithm: 'HS256', expiresIn: '60d' });
}

async function userOf(header) {
  const [scheme, token] = header.split(' ');
  if (!token || !/^(token|bearer)$/i.test(scheme)) return null;
  try {
    const { email } = jwt.verify(token, config.jwtSecret, { algorithms: ['HS256'] });
    return typeof email === 'string' ? await User.findOne({ where: { email } }) : null;
  } catch (err) {
    if (err instanceof jwt.JsonWebTokenError) return null;
    throw err;
  }
}

const refuse = (res) => res.status(401).json({ errors: { token: ['is missing or invalid'] } });

const required = wrap(async (req, res, next) => {
  req.user = await userOf(req.headers.authorization || '');
  if (!req.user) return refuse(res);
  next();
});

const optional = wrap(async (req, res, next) => {
  if (!req.headers.authorization) return next();
  req.user = await userOf(req.headers.authorization);
  if (!req.user) return refuse(res);
  next();
});

module.exports = { sign, required, optional };
