import { createSecretKey, type KeyObject } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import jwt from 'jsonwebtoken';
import type pg from 'pg';
import { HttpError } from './http/http-error.ts';

/** A row of the monolith's `Users`. */
export interface User {
  id: number;
  username: string;
  bio: string | null;
  image: string | null;
}

/** Whose request it is: `required` answers 401 without a good token, `optional` only to a bad one. */
export interface Identity {
  required: RequestHandler;
  optional: RequestHandler;
}

const ATTEMPTS = 10;
const PAUSE_MS = 200;

/** Finds the user of the monolith's login tokens, which say no more than an e-mail address. */
export const createIdentity = (pool: pg.Pool, secret: string): Identity => {
  // As a key object: jsonwebtoken would try a secret given as text as a public key first, at each request.
  const key = createSecretKey(secret, 'utf8');
  const identify = async (request: Request, response: Response) => {
    const email = emailIn(request.get('authorization') ?? '', key);
    const user = email === undefined ? undefined : await findUser(pool, email);
    if (!user) throw new HttpError(401, { token: ['is missing or invalid'] });
    response.locals.user = user;
  };
  return {
    required: async (request, response, next) => {
      await identify(request, response);
      next();
    },
    optional: async (request, response, next) => {
      if (request.get('authorization')) await identify(request, response);
      next();
    },
  };
};

/** The address in a token of ours, or undefined. */
const emailIn = (header: string, key: KeyObject): string | undefined => {
  const [scheme = '', token] = header.split(' ');
  if (!token || !/^(token|bearer)$/i.test(scheme)) return undefined;
  try {
    const { email } = jwt.verify(token, key, { algorithms: ['HS256'] }) as { email?: unknown };
    return typeof email === 'string' ? email : undefined;
  } catch {
    return undefined; // An unusable token is the same as none; why it is unusable is nobody's business.
  }
};

/** The user of that address. Users arrive from the monolith: one who has just registered is waited for, two seconds. */
const findUser = async (pool: pg.Pool, email: string): Promise<User | undefined> => {
  for (let attempt = 1; ; attempt++) {
    const { rows } = await pool.query<User>({
      name: 'user',
      text: 'SELECT "id", "username", "bio", "image" FROM "Users" WHERE "email" = $1',
      values: [email],
    });
    if (rows[0] || attempt === ATTEMPTS) return rows[0];
    await pause(PAUSE_MS);
  }
};

/** The user whom `required` let pass. */
export const userOf = (response: Response): User => response.locals.user as User;

/** The user, if there is one. */
export const viewerOf = (response: Response): User | undefined => response.locals.user as User | undefined;
