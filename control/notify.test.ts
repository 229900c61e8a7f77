import { describe, expect, test } from '@jest/globals';
import { Notify } from './notify.ts';

const LONG = 1_000_000;

describe('wake', () => {
  test('a wake ends every wait, and one that nobody waited for ends the next', async () => {
    const wake = new Notify();
    const waits = [wake.wait(LONG), wake.wait(LONG)];
    wake.wake();
    await Promise.all(waits);
    wake.wake();
    await wake.wait(LONG);
  });

  test('a wait ends after its time or when its signal aborts, also one aborted before', async () => {
    const wake = new Notify();
    await wake.wait(1);
    const abort = new AbortController();
    const waiting = wake.wait(LONG, abort.signal);
    abort.abort();
    await waiting;
    await wake.wait(LONG, abort.signal);
  });

  test('until gives true as soon as it holds, false when time or patience is over', async () => {
    const wake = new Notify();
    let holds = false;
    const waiting = wake.until(() => holds, LONG);
    wake.wake();
    holds = true;
    wake.wake();
    expect(await waiting).toBe(true);
    expect(await wake.until(() => false, 1)).toBe(false);
    expect(await wake.until(() => false, LONG, AbortSignal.abort())).toBe(false);
    expect(await wake.until(() => true, 0)).toBe(true);
  });
});
