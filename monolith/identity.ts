import { createHash, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import jwt from 'jsonwebtoken';
import { HttpError } from './http/http-error.ts';

const SESSION_S = 12 * 60 * 60;

const bearer = (header: string | undefined): string => /^Bearer (\S+)$/i.exec(header ?? '')?.[1] ?? '';

/** A login token: HS256, `sub` is the user's id, valid for twelve hours. */
export const signToken = (userId: number | string, secret: string): string =>
  jwt.sign({}, secret, { algorithm: 'HS256', subject: String(userId), expiresIn: SESSION_S });

/** Lets only a bearer of a valid login token pass, and remembers whose it is; 401 otherwise. */
export const requireUser = (secret: string): RequestHandler => {
  // As a key object: jsonwebtoken would try a secret given as text as a public key first, at each request.
  const key = createSecretKey(secret, 'utf8');
  return (request, response, next) => {
    response.locals.userId = subjectOf(bearer(request.get('authorization')), key);
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

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets only the bearer of the internal token pass, compared in constant time; 401 otherwise. */
export const requireInternal = (token: string): RequestHandler => {
  const expected = digest(token);
  return (request, _response, next) => {
    if (!timingSafeEqual(digest(bearer(request.get('authorization'))), expected))
      throw new HttpError(401, 'unauthorized', 'this path is for our own services');
    next();
  };
};
