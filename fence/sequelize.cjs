'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { FenceSetupError } = require('./errors.cjs');
const { mysql, postgres } = require('./statements.cjs');

const isTransaction = (handle) => typeof handle?.afterCommit === 'function';
/** A savepoint is no transaction of its own. */
const rootOf = (transaction) => (transaction.parent ? rootOf(transaction.parent) : transaction);

function dialectOf(sequelize) {
  const name = sequelize.getDialect();
  const found = { mysql, postgres }[name];
  if (!found) throw new FenceSetupError(`the fence knows mysql and postgres, and this Sequelize speaks ${name}`);
  return found;
}

/** Statements on a connection of Sequelize's pool, past its hooks, with its own errors. */
const runOn = (sequelize, connection) => (sql) => {
  const type = sql.startsWith('SELECT') ? 'SELECT' : 'RAW';
  return new sequelize.dialect.Query(connection, sequelize, { type, raw: true, logging: false }).run(sql);
};

/**
 * Looks after the transactions of Sequelize (v6): each one of a write request is checked as its first statement, before
 * it holds any other lock; a write outside of one gets a transaction of its own. `pass` checks by statements, `current`
 * gives the write request, if there is one.
 */
function guardSequelize({ pass, current }) {
  /** Transactions, for which users they have been let through, and what refused the others. */
  const passed = new WeakMap();
  const refused = new WeakMap();
  /** Single writes that we have begun a transaction for. */
  const wrapped = new WeakSet();
  /** True while Sequelize opens a transaction: until it is open there is nothing to check. */
  const opening = new AsyncLocalStorage();

  async function check(transaction, user) {
    const root = rootOf(transaction);
    if (root.finished) throw new FenceSetupError('the fence was asked for a transaction that has ended');
    if (refused.has(root)) throw refused.get(root);
    if (passed.get(root)?.has(user)) return;
    try {
      await pass(dialectOf(root.sequelize), runOn(root.sequelize, root.connection), user);
    } catch (error) {
      refused.set(root, error);
      throw error;
    }
    const request = current();
    if (request && !passed.has(root)) {
      root.afterCommit(() => {
        request.committed = true;
      });
    }
    passed.set(root, (passed.get(root) ?? new Set()).add(user));
  }

  async function beforeQuery(options, query) {
    const request = current();
    if (options.completesTransaction) return;
    if (!options.transaction) {
      if (request && options.type !== 'SELECT') await begin(query, request.user);
      return;
    }
    // Sequelize's own question to a new connection, which server it has met, comes with something that is no transaction.
    if (!isTransaction(options.transaction)) return;
    const root = rootOf(options.transaction);
    if (refused.has(root)) throw refused.get(root);
    // Also one that was opened before the middleware saw the request.
    if (request && !opening.getStore()) await check(root, request.user);
  }

  async function begin(query, user) {
    const dialect = dialectOf(query.sequelize);
    const run = runOn(query.sequelize, query.connection);
    await run(dialect.begin);
    try {
      await pass(dialect, run, user);
    } catch (error) {
      await run('ROLLBACK');
      throw error;
    }
    wrapped.add(query);
  }

  /** Runs whether the statement succeeded or not; of one that failed there is nothing to commit. */
  async function afterQuery(_options, query) {
    if (!wrapped.delete(query)) return;
    const request = current();
    if (request) request.committed = true; // also if the answer to the COMMIT is lost
    await runOn(query.sequelize, query.connection)('COMMIT');
  }

  function install(sequelize) {
    dialectOf(sequelize);
    const open = sequelize.transaction;
    sequelize.transaction = async function transaction(options, work) {
      const request = current();
      if (!request) return open.call(this, options, work);
      if (typeof options === 'function') return sequelize.transaction(undefined, options);
      if (work) {
        const checked = async (opened) => {
          await check(opened, request.user);
          return work(opened);
        };
        return opening.run(true, () => open.call(this, options, (opened) => opening.exit(() => checked(opened))));
      }
      const opened = await opening.run(true, () => open.call(this, options));
      try {
        await check(opened, request.user);
      } catch (error) {
        await opened.rollback();
        throw error;
      }
      return opened;
    };
    sequelize.addHook('beforeQuery', beforeQuery);
    sequelize.addHook('afterQuery', afterQuery);
  }

  return { install, check };
}

module.exports = { guardSequelize, isTransaction };
