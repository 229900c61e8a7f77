import type { SessionSettings } from '@strangler/plan';
import { Redis } from 'ioredis';
import { PATIENCE_MS, UnfitError } from './enquiries.ts';
import type { Places } from './places.ts';
import { LONGEST_DATA, type SessionStore } from './session.ts';

/** Longest wait before a connection is tried again, in milliseconds. */
const MOST_WAIT_MS = 1_000;
/** What it answers to one who may not read. */
const REFUSED = ['NOAUTH', 'WRONGPASS', 'NOPERM'];

type RedisSettings = Extract<SessionSettings['store'], { redis: string }>;

/** Sessions in a Redis, which forgets those that have ended. */
export function redisStore({ redis: url, prefix }: RedisSettings, places: Places): SessionStore {
  const name = 'the Redis of its sessions';
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: PATIENCE_MS,
    // A server that hangs, or is cut off, is given up for a new connection.
    socketTimeout: PATIENCE_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(attempt * 50, MOST_WAIT_MS),
  });
  redis.on('error', () => {}); // whoever asks is told
  const find = async (id: string) => {
    const data = await redis.getrangeBuffer(`${prefix}${id}`, 0, LONGEST_DATA).catch((error: Error) => {
      throw spoken(error, name);
    });
    if (!data.length) return undefined; // as what is not there is
    return data.toString(data.length > LONGEST_DATA ? 'latin1' : 'utf8');
  };
  places.checkedBy(() => find(''));
  places.closedBy(async () => redis.disconnect());
  return { name, find };
}

/** What a Redis answers begins with a word that says what it is. */
function spoken(error: Error, name: string): Error {
  const [code] = /^[A-Z]+(?= )/.exec(error.message) ?? [];
  if (!code) return error;
  if (REFUSED.includes(code)) return new UnfitError(`${name} refuses the address of the Plan: ${code}`);
  return Object.assign(error, { code });
}
