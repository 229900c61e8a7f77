import { outboxConnector } from '@example/orders';

// Creates (or updates) the connector that publishes the orders service's outbox, as an operator would do once by hand.
const { OUTBOX_DATABASE_URL, CONNECT_URL } = process.env;
if (!OUTBOX_DATABASE_URL || !CONNECT_URL) throw new Error('set OUTBOX_DATABASE_URL and CONNECT_URL');
const database = new URL(OUTBOX_DATABASE_URL);
const { name, config } = outboxConnector('shop', {
  host: database.hostname,
  port: Number(database.port),
  user: database.username,
  password: decodeURIComponent(database.password),
  database: database.pathname.slice(1),
});
const answer = await fetch(`${CONNECT_URL}/connectors/${name}/config`, {
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(config),
});
if (!answer.ok) throw new Error(`Connect answered ${answer.status}: ${await answer.text()}`);
console.log(`${name} is in place`);
