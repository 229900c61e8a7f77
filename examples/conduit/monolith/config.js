function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
  return value;
}

module.exports = {
  port: Number(process.env.PORT || 3000),
  host: process.env.HOST || '127.0.0.1',
  databaseUrl: required('DATABASE_URL'),
  databasePool: Number(process.env.DATABASE_POOL || 10),
  jwtSecret: required('JWT_SECRET'),
  sessionSecret: process.env.SESSION_SECRET || process.env.JWT_SECRET,
  webhookSecret: process.env.WEBHOOK_SECRET || '',
  bcryptRounds: Number(process.env.BCRYPT_ROUNDS || 10),
  // "random": a slug ends in eight hex digits of chance, so that no two articles ever ask for the same one.
  slugSuffix: process.env.SLUG_SUFFIX || 'none',
  // "on": a new article is answered when all of it is written.
  awaitWrites: process.env.AWAIT_WRITES === 'on',
  // What services that were taken out of us show at /internal; unset: there is no /internal.
  internalToken: process.env.INTERNAL_TOKEN || '',
  // Where users reach us. Set: staff edit articles there, as the author would; unset: here, in our own database.
  frontUrl: process.env.FRONT_URL || '',
  // When the popularity of articles is computed anew; "off" leaves it to `npm run popularity` and somebody's crontab.
  popularityCron: process.env.POPULARITY_CRON || '*/10 * * * *',
};
