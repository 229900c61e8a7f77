'use strict';

const { BUCKETS, bucketOf } = require('./bucket.cjs');

/**
 * Who a side owns, by the handoff rows of its own log: a barrier gives away, whatever becomes of it; a grant receives;
 * and an epoch whose cancel is there says nothing. Per user the row with the highest epoch holds, and a user once moved
 * by name moves only by name. Before any handoff the monolith owns everybody and a service nobody.
 */
class History {
  #group;
  #ownsAtFirst;
  #barriers = new Set();
  #byBucket = new Array(BUCKETS);
  #byUser = new Map();

  constructor(group, side, rows) {
    this.#group = group;
    this.#ownsAtFirst = side === 'monolith';
    // A barrier sent over a connection that was lost may come into the log behind its own cancel.
    const cancelled = new Set(rows.filter(({ kind }) => kind === 'cancel').map(({ epoch }) => Number(epoch)));
    for (const { epoch, kind, lo, hi, user_id } of [...rows].sort((a, b) => a.epoch - b.epoch)) {
      if (kind === 'barrier') this.#barriers.add(Number(epoch));
      if (cancelled.has(Number(epoch))) continue;
      const owns = kind === 'grant';
      if (user_id === null) this.#byBucket.fill(owns, Number(lo), Number(hi));
      else this.#byUser.set(String(user_id), owns);
    }
  }

  /** True if the user's writes belong to this side. */
  owns(user) {
    return this.#byUser.get(user) ?? this.#byBucket[bucketOf(this.#group, user)] ?? this.#ownsAtFirst;
  }

  /** True if the log this was read from held the barrier of this epoch; 0 is no barrier. */
  knows(epoch) {
    return epoch === 0 || this.#barriers.has(epoch);
  }
}

module.exports = { History };
