'use strict';

const { FenceSetupError } = require('./errors.cjs');

/*
 * How a writer's transaction meets a handoff. The writer shares the lock of its user's part; whoever writes a barrier
 * (the toolkit's ledger/handoffs.ts) takes the locks of all parts it moves for itself, and notes the barrier's epoch
 * with them. So a writer who was let through commits before the barrier does, and one who comes later sees it.
 */

const partIs = (capability, part) => `capability = '${capability}' AND part = ${part}`;

/** Every handoff row of a capability in this database. `run` runs statements on the writer's connection, for rows. */
const handoffsOf = (run, capability) =>
  run(`SELECT epoch, kind, lo, hi, user_id FROM strangler_handoff WHERE capability = '${capability}'`);

/** MySQL: a locking read sees what is committed now, whatever the transaction's isolation and snapshot. */
const mysql = {
  begin: 'START TRANSACTION',
  lock: async (run, capability, part) => {
    const sql = `SELECT epoch, made FROM strangler_fence WHERE ${partIs(capability, part)} FOR SHARE`;
    const [row] = await explained(run(sql), capability);
    return prepared(row, capability);
  },
};

/**
 * Postgres: an advisory lock, which costs no disk and takes no privilege. In one message, so that a transaction can be
 * told from none: outside of one, the message is a transaction of its own that begins with it. Above READ COMMITTED the
 * snapshot may be older than the last barrier; there the row is locked too, which Postgres refuses if it has changed.
 */
const postgres = {
  begin: 'BEGIN',
  lock: async (run, capability, part) => {
    const sql = `SELECT pg_advisory_xact_lock_shared(hashtext('strangler_fence:${capability}'), ${part});
      SELECT epoch, made, now() <> statement_timestamp() AS inside,
        current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') AS current
      FROM (SELECT) AS always LEFT JOIN strangler_fence ON ${partIs(capability, part)}`;
    const { inside, current, ...row } = (await explained(run(sql), capability)).at(-1);
    if (!inside) {
      throw new FenceSetupError(
        'the fence was asked outside of a transaction, where its lock does not last: ' +
          'send BEGIN on this client first, or use fence.transaction(pool, work)',
      );
    }
    if (!current && !(await isUnchanged(run, capability, part))) return undefined;
    return prepared(row, capability);
  },
};

const codeOf = (error) => error.parent?.code ?? error.code;
const SERIALIZATION_FAILURE = '40001';

async function isUnchanged(run, capability, part) {
  try {
    await explained(run(`SELECT FROM strangler_fence WHERE ${partIs(capability, part)} FOR SHARE`), capability);
    return true;
  } catch (error) {
    if (codeOf(error) === SERIALIZATION_FAILURE) return false;
    throw error;
  }
}

/** The epoch of a part's last barrier, 0 if there was none yet, and which fence that was. Throws if there is no fence. */
function prepared(row, capability) {
  if (row?.made) return { epoch: Number(row.epoch), made: row.made };
  throw new FenceSetupError(
    `this database has no fence for ${capability}: run \`strangler init\` with the Plan that names this capability`,
  );
}

const MISSING = ['ER_NO_SUCH_TABLE', '42P01'];
const FORBIDDEN = ['ER_TABLEACCESS_DENIED_ERROR', '42501'];

/** Says what to do about a table that is missing or forbidden; any other error of the driver goes on as it is. */
async function explained(answer, capability) {
  try {
    return await answer;
  } catch (error) {
    if (MISSING.includes(codeOf(error))) return prepared(undefined, capability);
    if (!FORBIDDEN.includes(codeOf(error))) throw error;
    throw new FenceSetupError(
      `the fence of ${capability} may not read its tables (${error.message}): name this database user as ` +
        '`application` beside the addresses of its database in the Plan, and run `strangler init --apply`',
      { cause: error },
    );
  }
}

module.exports = { handoffsOf, mysql, postgres };
