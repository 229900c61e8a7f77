import { describe, expect, test } from '@jest/globals';
import { hashPassword, verifyPassword } from './password.ts';

describe('a password hash', () => {
  test('carries its parameters and is verified by them, cheap ones too', async () => {
    const stored = await hashPassword('correct horse', { cost: 2 ** 10 });
    expect(stored).toMatch(/^scrypt\$1024\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    expect(await verifyPassword('battery staple', stored)).toBe(false);
  });

  test('costs 2^15 unless told otherwise', async () => {
    const stored = await hashPassword('correct horse');
    expect(stored).toMatch(/^scrypt\$32768\$8\$1\$/);
    expect(await verifyPassword('correct horse', stored)).toBe(true);
  });

  test('of the same password differs every time', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => hashPassword('same', { cost: 2 ** 10 })));
    expect(one).not.toBe(other);
  });

  test('that is none matches nothing', async () => {
    for (const stored of ['', 'plain', 'bcrypt$1$2$3$4$5']) expect(await verifyPassword('plain', stored)).toBe(false);
  });
});
