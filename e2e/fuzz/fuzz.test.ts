import { expect, test } from '@jest/globals';
import { fuzz } from './fuzz.ts';

test('faults 22 twenty thousand hostile connections neither end nor hang the proxy, and it serves as before', async () => {
  const { connections, faults } = await fuzz({ seed: 1, connections: 20_000 });
  expect(faults).toEqual([]);
  expect(connections).toBe(20_000);
}, 1_800_000);
