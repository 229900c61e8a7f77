const crypto = require('node:crypto');

const digest = (text) => crypto.createHash('sha256').update(text).digest();

// True for the secret, in a time that tells nothing of it; of one that is not set, nobody knows it.
const isSecret = (text, secret) => secret !== '' && crypto.timingSafeEqual(digest(text || ''), digest(secret));

module.exports = { isSecret };
