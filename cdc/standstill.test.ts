import { describe, expect, test } from '@jest/globals';
import { Standstill } from './standstill.ts';

const at = (offset: number, rows = 0) => ({ offset: BigInt(offset), rows });

describe('a stream that stands still', () => {
  test('is one whose source goes on for half a minute while nothing comes through', () => {
    const standstill = new Standstill(0);
    standstill.look(at(7), 100, 0);
    for (let s = 1; s < 30; s++) {
      standstill.look(at(7), 100 + s, s * 1_000);
      expect(standstill.ms).toBe(0);
    }
    standstill.look(at(7), 130, 30_000);
    expect(standstill.ms).toBe(30_000);
    standstill.look(at(8), 131, 31_000);
    expect(standstill.ms).toBe(0);
  });

  test('is also one that does not read at all, from its start on', () => {
    const standstill = new Standstill(0);
    for (let s = 0; s <= 40; s++) standstill.look(undefined, s, s * 1_000);
    expect(standstill.ms).toBe(40_000);
  });

  test('is not one that reads again what it has read before', () => {
    const standstill = new Standstill(0);
    standstill.look(at(50), 1, 0);
    for (let s = 1; s <= 40; s++) standstill.look(at(s), s, s * 1_000);
    expect(standstill.ms).toBe(40_000);
  });

  test('is not one that was taken to the beginning of a topic recreated, and goes on well there', () => {
    const standstill = new Standstill(0);
    standstill.look(at(1_000_000), 1, 0);
    for (let s = 1; s <= 40; s++) standstill.look(undefined, s, s * 1_000); // the topic was deleted
    standstill.startOver(40_000);
    expect(standstill.ms).toBe(0);
    for (let s = 41; s <= 120; s++) {
      standstill.look(at(3 * s), s, s * 1_000);
      expect(standstill.ms).toBe(0);
    }
    for (let s = 121; s <= 160; s++) standstill.look(at(360), s, s * 1_000);
    expect(standstill.ms).toBe(40_000);
  });

  test('is not one whose source is away, or does nothing either', () => {
    const standstill = new Standstill(0);
    standstill.look(at(7), 100, 0);
    standstill.look(at(7), undefined, 60_000);
    expect(standstill.ms).toBe(0);
    standstill.look(at(7), 100, 120_000);
    expect(standstill.ms).toBe(0);
  });

  test('is not one that goes through a transaction of many rows', () => {
    const standstill = new Standstill(0);
    for (let s = 0; s <= 90; s++) standstill.look(at(7, s * 2_000), s, s * 1_000);
    expect(standstill.ms).toBe(0);
  });
});
