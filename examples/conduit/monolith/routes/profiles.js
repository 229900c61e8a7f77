const express = require('express');
const wrap = require('../lib/wrap');
const { followedBy, profile } = require('../lib/present');
const auth = require('../middleware/auth');
const { Follow, User } = require('../models');

const router = express.Router();

router.param('username', async (req, res, next, username) => {
  try {
    req.profile = await User.findOne({ where: { username } });
    if (!req.profile) return res.status(404).json({ errors: { profile: ['not found'] } });
    next();
  } catch (err) {
    next(err);
  }
});

router.get(
  '/:username',
  auth.optional,
  wrap(async (req, res) => {
    const followed = await followedBy(req.user, [req.profile.id]);
    res.json({ profile: profile(req.profile, followed.has(req.profile.id)) });
  }),
);

router.post(
  '/:username/follow',
  auth.required,
  wrap(async (req, res) => {
    await Follow.findOrCreate({ where: { followerId: req.user.id, followedId: req.profile.id } });
    res.json({ profile: profile(req.profile, true) });
  }),
);

router.delete(
  '/:username/follow',
  auth.required,
  wrap(async (req, res) => {
    await Follow.destroy({ where: { followerId: req.user.id, followedId: req.profile.id } });
    res.json({ profile: profile(req.profile, false) });
  }),
);

module.exports = router;
