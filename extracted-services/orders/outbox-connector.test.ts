import { expect, test } from '@jest/globals';
import { outboxConnector, outboxTopic } from './outbox-connector.ts';

test('the outbox has one topic, and a slot and a publication of its own under names Postgres allows', () => {
  const database = { host: 'db', port: 5432, user: 'debezium', password: 'secret', database: 'orders' };
  const { name, config } = outboxConnector('My-Shop', database);
  expect([name, outboxTopic('My-Shop')]).toEqual(['My-Shop.outbox', 'My-Shop.outbox']);
  expect(config).toMatchObject({
    'slot.name': 'my_shop_outbox',
    'publication.name': 'my_shop_outbox',
    'table.include.list': 'public.outbox',
    'transforms.outbox.route.topic.replacement': 'My-Shop.outbox',
    'database.port': '5432',
  });
});
