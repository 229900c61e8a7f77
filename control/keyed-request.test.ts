import { describe, expect, test } from '@jest/globals';
import { type DoneRequest, isDone, keyedRequest, remembering } from './keyed-request.ts';

const DAY = 24 * 60 * 60 * 1_000;
const asking = (key: string, body: unknown = {}) => keyedRequest('admin', key, { method: 'POST', path: '/set', body });

describe('requests under a key', () => {
  test('are the same only for the same role, method, path and body', () => {
    const done = remembering([], asking('k', { percentage: 10 }), 0);
    expect(isDone(done, asking('k', { percentage: 10 }))).toBe(true);
    expect(() => isDone(done, asking('k', { percentage: 20 }))).toThrow('was used for another path or body');
    expect(() => isDone(done, keyedRequest('admin', 'k', { method: 'POST', path: '/rollback', body: {} }))).toThrow();
    expect(isDone(done, keyedRequest('operate', 'k', { method: 'POST', path: '/set', body: {} }))).toBe(false);
    expect(JSON.stringify(done)).not.toContain('percentage');
  });

  test('are forgotten after a day, and the oldest beyond 200', () => {
    let done: DoneRequest[] = remembering([], asking('first'), 0);
    expect(isDone(remembering(done, asking('next'), DAY - 1), asking('first'))).toBe(true);
    expect(isDone(remembering(done, asking('next'), DAY), asking('first'))).toBe(false);
    for (let nth = 0; nth < 300; nth++) done = remembering(done, asking(`k${nth}`), nth);
    expect(done).toHaveLength(200);
    expect([isDone(done, asking('k299')), isDone(done, asking('k99'))]).toEqual([true, false]);
  });
});
