import { describe, expect, test } from '@jest/globals';
import type { Status } from '@strangler/plan';
import { isInTime, type Pulse, Recoveries, type Wound } from './recoveries.ts';

const withLags = (...lags: (number | null)[]): Status =>
  ({ capabilities: [{ streams: lags.map((lag) => ({ lag })) }] }) as unknown as Status;

const wound: Wound = { victim: 'Kafka', share: 0.5, at: 1_000, byItself: false, back: 4_000 };
const pulse: Pulse = {
  now: 6_000,
  status: withLags(20, 30),
  heardAt: 5_000,
  waiting: 200,
  newestFound: 4_500,
  buying: true,
};

describe('a wound', () => {
  test('is not felt any more when the streams, the oldest purchase under way and a new purchase all say so', () => {
    expect(isInTime(wound, pulse)).toBe(true);
  });

  test('is felt while the victim is away, or control has not spoken since', () => {
    expect(isInTime({ ...wound, back: undefined } as unknown as Wound, pulse)).toBe(false);
    expect(isInTime(wound, { ...pulse, heardAt: 3_999 })).toBe(false);
    expect(isInTime(wound, { ...pulse, status: undefined })).toBe(false);
    expect(isInTime(wound, { ...pulse, status: { capabilities: [] } as unknown as Status })).toBe(false);
  });

  test('is felt while a stream is late or unknown, or a purchase waits', () => {
    expect(isInTime(wound, { ...pulse, status: withLags(20, 1_000) })).toBe(false);
    expect(isInTime(wound, { ...pulse, status: withLags(20, null) })).toBe(false);
    expect(isInTime(wound, { ...pulse, waiting: 1_000 })).toBe(false);
  });

  test('is felt until a purchase made since in both databases, unless nobody buys any more', () => {
    expect(isInTime(wound, { ...pulse, newestFound: 3_000 })).toBe(false);
    expect(isInTime(wound, { ...pulse, newestFound: 3_000, buying: false })).toBe(true);
  });

  test('is closed once it has not been felt for three seconds, from when that began', () => {
    const wounds = new Recoveries();
    const open = wounds.open('Kafka', 0.5);
    expect(wounds.isDown('Kafka')).toBe(true);
    open.back = 4_000;
    expect(wounds.isDown('Kafka')).toBe(false);
    expect(wounds.tend({ ...pulse, now: 5_000 })).toEqual([]);
    expect(wounds.tend({ ...pulse, now: 6_000, waiting: 1_500 })).toEqual([]);
    expect(wounds.tend({ ...pulse, now: 7_000 })).toEqual([]);
    expect(wounds.tend({ ...pulse, now: 9_999 })).toEqual([]);
    expect(wounds.tend({ ...pulse, now: 10_000 })).toEqual([open]);
    expect(open.healed).toBe(7_000);
    expect(wounds.tend({ ...pulse, now: 11_000 })).toEqual([]);
    expect(wounds.bleeding).toEqual([]);
  });
});
