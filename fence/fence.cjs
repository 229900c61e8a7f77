'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { partOf } = require('./bucket.cjs');
const { FenceSetupError, GivenAwayError } = require('./errors.cjs');
const { History } = require('./history.cjs');
const { readOptions, userText } = require('./options.cjs');
const { guardSequelize, isTransaction } = require('./sequelize.cjs');
const { handoffsOf, postgres } = require('./statements.cjs');

/** The proxy holds no reads while users are handed over, and the fence refuses none. */
const READS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Statements on a client of pg; of several in one message the rows come one after another. */
const runIn = (client) => async (sql) => [await client.query(sql)].flat().flatMap(({ rows }) => rows);

/** The fence of one capability in one database. Throws FenceSetupError if the options are wrong. */
function createFence(options) {
  const { capability, group, side, user: userOf } = readOptions(options);
  /** The write request this code runs for: its user, and what has become of its transactions. */
  const requests = new AsyncLocalStorage();
  /** The log as it was last read: good for everybody it owns, as long as it knows their part's last barrier. */
  let log;
  let warned = false;

  /** Lets the user's write pass until the transaction that `run` speaks in ends, or throws GivenAwayError. */
  async function pass(dialect, run, user) {
    const request = requests.getStore();
    const refuse = (more) => new GivenAwayError(capability, side, { midway: request?.committed === true, ...more });
    if (request) request.checked = true;
    const last = await dialect.lock(run, capability, partOf(group, user));
    if (!last) throw refuse({ stale: true });
    if (log?.made === last.made && log.history.knows(last.epoch) && log.history.owns(user)) return;
    // Cancels and grants take no lock: a refusal is always by the log as it is now.
    const history = new History(group, side, await handoffsOf(run, capability));
    if (!history.knows(last.epoch)) throw refuse({ stale: true });
    log = { made: last.made, history };
    if (!history.owns(user)) throw refuse();
  }

  const guard = guardSequelize({ pass, current: () => requests.getStore() });

  async function passInPostgres(client, user) {
    try {
      await pass(postgres, runIn(client), user);
    } catch (error) {
      // Whatever the application does with the error: from here its transaction can only be rolled back.
      await client.query("DO $$ BEGIN RAISE EXCEPTION 'refused by the strangler fence'; END $$").catch(() => {});
      throw error;
    }
  }

  const whose = (user) => {
    const text = user === undefined ? requests.getStore()?.user : userText(user);
    if (typeof text === 'string') return text;
    throw new FenceSetupError('whose write is it? Outside of a request that the middleware has seen, name the user');
  };

  return {
    middleware(request, response, next) {
      if (READS.has(request.method)) return next();
      let user;
      try {
        user = userText(userOf(request, response));
      } catch (error) {
        return next(error);
      }
      if (user === null) return next();
      const store = { user, checked: false, committed: false };
      response.once('finish', () => {
        if (store.checked || warned || response.statusCode >= 400) return;
        warned = true;
        process.emitWarning(
          `${request.method} ${request.baseUrl}${request.path} was answered ${response.statusCode} and the fence of ` +
            `${capability} saw no write: if it wrote, then past the fence. Is fence.sequelize() called with the very ` +
            'Sequelize it writes with, or fence.check() or fence.transaction() in it?',
          { code: 'STRANGLER_FENCE_UNSEEN' },
        );
      });
      // Who parses the body goes on from its events, which come from the socket and know of no request.
      for (const emitter of [request, response]) {
        const { emit } = emitter;
        emitter.emit = (...event) => requests.run(store, () => emit.apply(emitter, event));
      }
      requests.run(store, next);
    },

    sequelize: guard.install,

    async check(handle, user) {
      const named = whose(user);
      if (isTransaction(handle)) return guard.check(handle, named);
      if (typeof handle?.query !== 'function')
        throw new FenceSetupError('fence.check takes a transaction of Sequelize or a client of pg');
      await passInPostgres(handle, named);
      // When this client commits is not for us to see: from here on the request counts as begun.
      const request = requests.getStore();
      if (request) request.committed = true;
    },

    async transaction(pool, work, user) {
      const named = whose(user);
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await passInPostgres(client, named);
        const result = await work(client);
        const request = requests.getStore();
        if (request) request.committed = true; // also if the answer to the COMMIT is lost
        await client.query('COMMIT');
        client.release();
        return result;
      } catch (error) {
        await client.query('ROLLBACK').then(
          () => client.release(),
          (broken) => client.release(broken),
        );
        throw error;
      }
    },
  };
}

module.exports = { createFence };
