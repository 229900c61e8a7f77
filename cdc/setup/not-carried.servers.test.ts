import { afterEach, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { type MoreTables, makeWorld, type World } from '../testing/world.ts';
import { init } from './init.ts';

let world: World;
afterEach(() => world?.destroy());

const prepare = async (tables: Omit<MoreTables, 'alone' | 'unprepared'>) => {
  world = await makeWorld(await servers(), { ...tables, alone: 'integer', unprepared: true });
  return init(world.plan, { apply: true, createUsers: true, say: () => {} });
};
const totals = (more: string) => ({
  monolith: ['CREATE TABLE totals (id INT PRIMARY KEY, user_id INT NOT NULL)'],
  service: [
    `CREATE TABLE totals (id INT PRIMARY KEY, user_id INT NOT NULL, twice INT GENERATED ALWAYS AS (id * 2) ${more})`,
  ],
  plan: { totals: { user: 'user_id' } },
});

test('a way to the user through a table whose key is of several columns is refused unless all of them lead there', async () => {
  const refused = prepare({
    monolith: [
      'CREATE TABLE items (order_id INT, line INT, user_id INT NOT NULL, PRIMARY KEY (order_id, line))',
      'CREATE TABLE options (order_id INT, line INT, name VARCHAR(20), PRIMARY KEY (order_id, line, name))',
    ],
    service: [
      'CREATE TABLE items (order_id INT, line INT, user_id INT NOT NULL, PRIMARY KEY (order_id, line))',
      'CREATE TABLE options (order_id INT, line INT, name VARCHAR(20), PRIMARY KEY (order_id, line, name))',
    ],
    plan: { items: { user: 'user_id' }, options: { user: { through: 'order_id', of: 'items' } } },
  });
  await expect(refused).rejects.toThrow(
    'options: order_id cannot lead to one row of items, whose primary key is (order_id, line): name the columns that hold all of it, in its order, as in through: [order_id, line]',
  );
});

test('a table of the service with a stored generated column can still be updated by the service; a virtual one is refused first', async () => {
  await prepare(totals('STORED'));
  await world.service.query('INSERT INTO totals (id, user_id) VALUES (1, 7)');
  expect((await world.service.query('UPDATE totals SET id = 2 WHERE id = 1')).affected).toBe(1);
  expect((await world.service.query('DELETE FROM totals')).affected).toBe(1);
  await world.destroy();
  await expect(prepare(totals('VIRTUAL'))).rejects.toThrow('totals: column twice of the service');
  await world.service.query('INSERT INTO totals (id, user_id) VALUES (1, 7)');
  expect((await world.service.query('UPDATE totals SET id = 2 WHERE id = 1')).affected).toBe(1);
});

test('a table with a blank in its name is refused: its copy would never end', async () => {
  const refused = prepare({
    monolith: ['CREATE TABLE `audit log` (id INT PRIMARY KEY, user_id INT NOT NULL)'],
    service: ['CREATE TABLE "audit log" (id INT PRIMARY KEY, user_id INT NOT NULL)'],
    plan: { '"audit log"': { user: 'user_id' } },
  });
  await expect(refused).rejects.toThrow('has a blank or a dot in its name');
});
