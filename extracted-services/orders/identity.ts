import { createSecretKey, type KeyObject } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import jwt from 'jsonwebtoken';
import { HttpError } from './http/http-error.ts';

/** Lets only a bearer of one of the monolith's login tokens pass, and remembers whose it is; 401 otherwise. */
export const requireUser = (secret: string): RequestHandler => {
  // As a key object: jsonwebtoken would try a secret given as text as a public key first, at each request.
  const key = createSecretKey(secret, 'utf8');
  return (request, response, next) => {
    const token = /^Bearer (\S+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
    response.locals.userId = subjectOf(token, key);
    next();
  };
};

const subjectOf = (token: string, key: KeyObject): string => {
  try {
    const { sub } = jwt.verify(token, key, { algorithms: ['HS256'] }) as jwt.JwtPayload;
    if (sub !== undefined && /^[1-9]\d{0,17}$/.test(sub)) return sub;
  } catch {
    // An unusable token is the same as none; why it is unusable is nobody's business.
  }
  throw new HttpError(401, 'unauthorized', 'log in and send the token as Authorization: Bearer');
};

/** The id of the user `requireUser` let pass. */
export const userOf = (response: Response): string => response.locals.userId as string;
