import { describe, expect, test } from '@jest/globals';
import type { Recorded } from './recording.ts';
import { NOBODY, usersOf } from './users.ts';

const one = (position: number, more: Partial<Recorded>) => ({ position, yields: [], ...more }) as unknown as Recorded;

describe('usersOf', () => {
  test('gives a login to whoever uses the token it has handed out, and what asks without any to nobody', () => {
    const users = usersOf([
      one(1, {}),
      one(2, { yields: ['token-of-ada'] }),
      one(3, { credential: 'token-of-bob' }),
      one(4, { credential: 'token-of-ada' }),
      one(5, { yields: ['token-nobody-uses'] }),
    ]);
    expect([...users.values()]).toEqual([NOBODY, 'token-of-ada', 'token-of-bob', 'token-of-ada', NOBODY]);
  });

  test('follows a user from token to token, and by the mark that stands for it whatever its label', () => {
    const users = usersOf([
      one(1, { yields: ['[token aaaaaaaaaaaa]'] }),
      one(2, { credential: '[secret aaaaaaaaaaaa]', yields: ['[secret bbbbbbbbbbbb]'] }),
      one(3, { credential: '[secret bbbbbbbbbbbb]' }),
    ]);
    expect(new Set(users.values())).toEqual(new Set(['aaaaaaaaaaaa']));
  });

  test('believes what a request says about its user, and tells by it whose credentials are', () => {
    const users = usersOf([
      one(1, { yields: ['first-token'] }),
      one(2, { user: '17', credential: 'first-token' }),
      one(3, { user: '17', credential: 'other-token' }),
      one(4, { credential: 'other-token' }),
    ]);
    expect([...users.values()]).toEqual(['17', '17', '17', '17']);
  });
});
