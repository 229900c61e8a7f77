import { Router } from 'express';
import { UniqueConstraintError } from 'sequelize';
import { bodyObject, mistakes } from '../http/fields.ts';
import { HttpError } from '../http/http-error.ts';
import { requireUser, signToken, userOf } from '../identity.ts';
import type { Models, User } from '../models.ts';
import { hashPassword, verifyPassword } from '../password.ts';

const profileOf = ({ id, email, name, created_at }: Pick<User, 'id' | 'email' | 'name' | 'created_at'>) => ({
  id,
  email,
  name,
  createdAt: created_at.toISOString(),
});

const textOf = (value: unknown, least: number, most: number): string | undefined =>
  typeof value === 'string' && value.trim().length >= least && value.length <= most ? value : undefined;

const emailOf = (value: unknown): string | undefined => {
  const email = textOf(value, 3, 254)?.trim().toLowerCase();
  return email !== undefined && /^[^@\s]+@[^@\s]+$/.test(email) ? email : undefined;
};

export const usersRoutes = ({ User }: Models, jwtSecret: string): Router => {
  const router = Router();
  // Verified when nobody has the email, so that an unknown email takes as long as a wrong password.
  const nobody = hashPassword('nobody');

  router.post('/auth/register', async (request, response) => {
    const fields = bodyObject(request.body);
    const found = mistakes();
    const email = emailOf(fields.email);
    const password = textOf(fields.password, 8, 200);
    const name = textOf(fields.name, 1, 100);
    if (email === undefined) found.add('email', 'must be an email address');
    if (password === undefined) found.add('password', 'must be 8 to 200 characters');
    if (name === undefined) found.add('name', 'must be 1 to 100 characters');
    found.refuse();
    const now = new Date();
    try {
      const password_hash = await hashPassword(password!);
      const user = await User.create({ email: email!, name: name!, password_hash, created_at: now, updated_at: now });
      response.status(201).json({ user: profileOf(user), token: signToken(user.id, jwtSecret) });
    } catch (thrown) {
      if (!(thrown instanceof UniqueConstraintError)) throw thrown;
      throw new HttpError(409, 'email_taken', 'somebody has registered with this email already');
    }
  });

  router.post('/auth/login', async (request, response) => {
    const fields = bodyObject(request.body);
    const found = mistakes();
    const email = emailOf(fields.email);
    const password = textOf(fields.password, 1, 200);
    if (email === undefined) found.add('email', 'must be an email address');
    if (password === undefined) found.add('password', 'must be 1 to 200 characters');
    found.refuse();
    const user = await User.findOne({ where: { email: email! }, raw: true });
    const matches = await verifyPassword(password!, user?.password_hash ?? (await nobody));
    if (!user || !matches) throw new HttpError(401, 'wrong_credentials', 'the email or the password is wrong');
    response.json({ user: profileOf(user), token: signToken(user.id, jwtSecret) });
  });

  router.get('/profile', requireUser(jwtSecret), async (_request, response) => {
    const user = await User.findByPk(userOf(response), { raw: true });
    if (!user) throw new HttpError(401, 'unauthorized', 'this user does not exist any more');
    response.json(profileOf(user));
  });

  return router;
};
