const crypto = require('node:crypto');
const slugify = require('slugify');
const config = require('../config');

const SUFFIX = 9; // a dash and eight hex digits

// The title is all that is in a slug, unless it is to end in chance: two articles cannot have the same.
module.exports = (title) => {
  const slug = slugify(title, { lower: true, strict: true }).slice(0, 255);
  if (slug === '' || config.slugSuffix !== 'random') return slug;
  return `${slug.slice(0, 255 - SUFFIX)}-${crypto.randomBytes(4).toString('hex')}`;
};
