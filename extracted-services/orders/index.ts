export { createApp, type OrdersConfig, type OrdersService } from './app.ts';
export { migrate } from './migrate.ts';
export { type Connector, type OutboxDatabase, outboxConnector, outboxTopic } from './outbox-connector.ts';
