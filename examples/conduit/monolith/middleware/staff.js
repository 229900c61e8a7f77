const session = require('express-session');
const SequelizeStore = require('connect-session-sequelize')(session.Store);
const config = require('../config');
const { sequelize } = require('../models');

const store = new SequelizeStore({ db: sequelize });

const sessions = session({
  name: 'conduit.sid',
  secret: config.sessionSecret,
  store,
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax', maxAge: 8 * 60 * 60 * 1000 },
});

function staffOnly(req, res, next) {
  if (!req.session.staff) return res.redirect('/admin/login');
  next();
}

module.exports = { store, sessions, staffOnly };
