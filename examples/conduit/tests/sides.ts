import { randomBytes } from 'node:crypto';
import { servers } from '@strangler/servers';
import jwt from 'jsonwebtoken';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import pg from 'pg';
import { type Client, clientOf } from './client.ts';
import { type Program, serve } from './program.ts';

/** Whatever answers Conduit's article API, on a database of its own. */
export interface Side {
  url: string;
  /** The name of its database. */
  database: string;
  /** Makes a user, `NAME@conduit.test`, whose password is "password"; answers the user's client. */
  register(username: string): Promise<Client>;
  follow(follower: string, followed: string): Promise<void>;
  /** Runs a statement in the side's database; answers its rows. */
  sql<Row = Record<string, unknown>>(statement: string, values?: unknown[]): Promise<Row[]>;
  /** Stops the program and drops its database; answers the program's exit code. */
  stop(): Promise<number | null>;
}

export interface Monolith extends Side {
  /** The environment it was started with. */
  env: Readonly<Record<string, string>>;
}

export const webhookSecret = 'the secret of the payment provider';
const jwtSecret = 'the secret of the tokens';

const addressOf = (username: string) => `${username}@conduit.test`;

const freshName = () => `conduit_${randomBytes(6).toString('hex')}`;

/** Starts the monolith, its timed job off, with more in its environment if it is given. */
export const startMonolith = async (more: Readonly<Record<string, string>> = {}): Promise<Monolith> => {
  const { mysql } = await servers();
  const database = freshName();
  const connection = await createConnection({ ...mysql, timezone: 'Z' });
  await connection.query(`CREATE DATABASE ${database}`);
  await connection.query(`USE ${database}`);
  const env = {
    DATABASE_URL: `mysql://${mysql.user}:${mysql.password}@${mysql.host}:${mysql.port}/${database}`,
    JWT_SECRET: jwtSecret,
    WEBHOOK_SECRET: webhookSecret,
    POPULARITY_CRON: 'off',
    BCRYPT_ROUNDS: '4',
    ...more,
  };
  const program = await serve('monolith/server.js', env);
  const clients = new Map<string, Client>();
  return {
    database,
    env,
    url: program.url,
    register: async (username) => {
      const user = { username, email: addressOf(username), password: 'password' };
      const { body } = await clientOf(program.url)('POST', '/api/users', { user });
      clients.set(username, clientOf(program.url, body.user.token));
      return clients.get(username)!;
    },
    follow: async (follower, followed) => {
      await clients.get(follower)!('POST', `/api/profiles/${followed}/follow`);
    },
    sql: async (statement, values) => (await connection.query<RowDataPacket[]>(statement, values))[0] as never,
    stop: () =>
      ended(program, async () => {
        await connection.query(`DROP DATABASE ${database}`);
        await connection.end();
      }),
  };
};

/** Starts the service. Its users and who follows whom are what a monolith would have sent. */
export const startService = async (more: Readonly<Record<string, string>> = {}): Promise<Side> => {
  const { postgres } = await servers();
  const database = freshName();
  const { user, password, host, port } = postgres;
  const urlOf = (name: string) => `postgres://${user}:${password}@${host}:${port}/${name}`;
  const admin = new pg.Client({ connectionString: urlOf(postgres.database) });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  const program = await serve('articles/main.ts', { DATABASE_URL: urlOf(database), JWT_SECRET: jwtSecret, ...more });
  const own = new pg.Client({ connectionString: urlOf(database) });
  await own.connect();
  let users = 0;
  return {
    database,
    url: program.url,
    register: async (username) => {
      users += 1;
      await own.query(
        `INSERT INTO "Users" ("id", "username", "email", "password", "createdAt", "updatedAt")
         VALUES ($1, $2, $3, 'nobody logs in here', now(), now())`,
        [2 * users - 1, username, addressOf(username)],
      );
      return clientOf(program.url, jwt.sign({ email: addressOf(username) }, jwtSecret));
    },
    follow: async (follower, followed) => {
      await own.query(
        `INSERT INTO "Follows" ("followerId", "followedId", "createdAt", "updatedAt")
         SELECT a."id", b."id", now(), now() FROM "Users" a, "Users" b WHERE a."username" = $1 AND b."username" = $2`,
        [follower, followed],
      );
    },
    sql: async (statement, values) => (await own.query(statement, values)).rows as never,
    stop: () =>
      ended(program, async () => {
        await own.end();
        await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
        await admin.end();
      }),
  };
};

const ended = async (program: Program, cleanUp: () => Promise<void>): Promise<number | null> => {
  const code = await program.stop();
  await cleanUp();
  return code;
};
