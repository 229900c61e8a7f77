const bcrypt = require('bcryptjs');
const express = require('express');
const config = require('../config');
const wrap = require('../lib/wrap');
const { fieldsOf, userErrors } = require('../lib/validate');
const auth = require('../middleware/auth');
const { User } = require('../models');

const router = express.Router();

const userJson = (user, token) => ({
  user: { email: user.email, token, username: user.username, bio: user.bio ?? null, image: user.image ?? null },
});

router.post(
  '/users',
  wrap(async (req, res) => {
    const { username, email, password } = fieldsOf(req.body, 'user');
    const errors = userErrors({ username, email, password }, ['username', 'email', 'password']);
    if (errors) return res.status(422).json({ errors });
    const hash = await bcrypt.hash(password, config.bcryptRounds);
    const user = await User.create({ username, email, password: hash });
    res.status(201).json(userJson(user, auth.sign(email)));
  }),
);

router.post(
  '/users/login',
  wrap(async (req, res) => {
    const { email, password } = fieldsOf(req.body, 'user');
    const errors = userErrors({ email, password }, ['email', 'password']);
    if (errors) return res.status(422).json({ errors });
    const user = await User.findOne({ where: { email } });
    if (!user || !(await bcrypt.compare(password, user.password))) {
      return res.status(401).json({ errors: { credentials: ['are invalid'] } });
    }
    res.json(userJson(user, auth.sign(email)));
  }),
);

router.get('/user', auth.required, (req, res) => {
  res.json(userJson(req.user, auth.sign(req.user.email)));
});

router.put(
  '/user',
  auth.required,
  wrap(async (req, res) => {
    const { username, email, password, bio, image } = fieldsOf(req.body, 'user');
    const given = Object.entries({ username, email, password }).filter(([, value]) => value !== undefined);
    const errors = userErrors({ username, email, password, bio, image }, Object.keys(Object.fromEntries(given)));
    if (errors) return res.status(422).json({ errors });
    const hash = password === undefined ? undefined : await bcrypt.hash(password, config.bcryptRounds);
    const changes = { username, email, password: hash, bio, image };
    for (const name of Object.keys(changes)) if (changes[name] === undefined) delete changes[name];
    await req.user.update(changes);
    res.json(userJson(req.user, auth.sign(req.user.email)));
  }),
);

module.exports = router;
