import { describe, expect, test } from '@jest/globals';
import { type Answer, differences } from './same-answer.ts';

const answer: Answer = { status: 200, body: '{}', headers: { vary: 'Origin' }, side: 'service' };

describe('the same answer', () => {
  test('is the same status, body and essential headers, whichever side gave it', () => {
    expect(differences(answer, { ...answer, side: undefined })).toEqual([]);
  });

  test('every difference is named', () => {
    expect(differences(answer, { status: 204, body: '', headers: {}, side: undefined })).toEqual([
      'status 200 and 204',
      'bodies of 2 and 0 characters',
      'vary: "Origin" and undefined',
    ]);
  });
});
