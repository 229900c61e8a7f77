const express = require('express');
const wrap = require('../lib/wrap');
const { Tag } = require('../models');

const router = express.Router();

router.get(
  '/',
  wrap(async (_req, res) => {
    const tags = await Tag.findAll({ order: [['name', 'ASC']] });
    res.json({ tags: tags.map((tag) => tag.name) });
  }),
);

module.exports = router;
