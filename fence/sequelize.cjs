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
  /** Transactions and savepoints, for which users they have been let through, and what refused the others. */
  const passed = new WeakMap();
  const refused = new WeakMap();
  /** True while Sequelize opens a transaction: until it is open there is nothing to check. */
  const opening = new AsyncLocalStorage();

  async function check(transaction, user) {
    const root = rootOf(transaction);
    if (root.finished) throw new FenceSetupError('the fence was asked for a transaction that has ended');
    if (refused.has(root)) throw refused.get(root);
    for (let within = transaction; within; within = within.parent) if (passed.get(within)?.has(user)) return;
    try {
      await pass(dialectOf(root.sequelize), runOn(root.sequelize, root.connection), user);
    } catch (error) {
      refused.set(root, error);
      throw error;
    }
    const request = current();
    if (request) {
      root.afterCommit(() => {
        request.committed = true;
      });
    }
    // Postgres gives up the locks of a savepoint it rolls back to: what was let through in it has not been outside.
    passed.set(transaction, (passed.get(transaction) ?? new Set()).add(user));
  }

  async function beforeQuery(options, query) {
    const request = current();
    if (options.completesTransaction) return;
    if (!options.transaction) {
      if (request && options.type !== 'SELECT') await begin(query, request);
      return;
    }
    // Sequelize's own question to a new connection, which server it has met, comes with something that is no transaction.
    if (!isTransaction(options.transaction)) return;
    const root = rootOf(options.transaction);
    if (refused.has(root)) throw refused.get(root);
    // Also one that was opened before the middleware saw the request.
    if (request && !opening.getStore()) await check(options.transaction, request.user);
  }

  /**
   * Begins a transaction of a single write's own, to be ended with it. By `run` and no hook: Sequelize never gives a
   * connection back whose hook after a statement has thrown.
   */
  async function begin(query, request) {
    const { sequelize, connection, run: write } = query;
    const dialect = dialectOf(sequelize);
    const run = runOn(sequelize, connection);
    const abandoning = async (work) => {
      try {
        return await work();
      } catch (error) {
        // A connection that may still be in the transaction is for nobody.
        await run('ROLLBACK').catch(
          () => void sequelize.connectionManager.destroyConnection(connection).catch(() => {}),
        );
        throw error;
      }
    };
    await run(dialect.begin);
    await abandoning(() => pass(dialect, run, request.user));
    query.run = (...statement) =>
      abandoning(async () => {
        const result = await write.apply(query, statement);
        request.committed = true; // also if the answer to the COMMIT is lost
        await run('COMMIT');
        return result;
      });
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
  }

  return { install, check };
}

module.exports = { guardSequelize, isTransaction };
