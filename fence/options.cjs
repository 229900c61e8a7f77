'use strict';

const { FenceSetupError } = require('./errors.cjs');

/** The options of a fence, or FenceSetupError with every mistake. */
function readOptions(options) {
  const { capability, group, side, user } = options ?? {};
  const wrong = [];
  // As the Plan spells it; it also goes into SQL as it is.
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(String(capability))) wrong.push('`capability` must be its name in the Plan');
  if (typeof group !== 'string' || group === '')
    wrong.push("`group` must be the capability's `group` in the Plan, by default the Plan's `name`");
  if (side !== 'monolith' && side !== 'service') wrong.push('`side` must be monolith or service');
  if (typeof user !== 'function') wrong.push("`user` must be a function that gives a request's user");
  if (wrong.length) throw new FenceSetupError(`the fence is set up wrongly: ${wrong.join('; ')}`);
  return { capability, group, side, user };
}

/** A user as the Plan's log names them; null, and only null, is nobody. Throws FenceSetupError for anything else. */
function userText(user) {
  if (user === null || (typeof user === 'string' && user !== '')) return user;
  if (Number.isSafeInteger(user) || typeof user === 'bigint') return String(user);
  throw new FenceSetupError(
    `the fence was given ${typeof user === 'string' ? 'an empty text' : typeof user} for a user: it must be a text, ` +
      'a whole number, or null if the write is nobody’s',
  );
}

module.exports = { readOptions, userText };
