import { type Migration, runMigrations } from './database.ts';

// Ids are even here and odd in the monolith, so that a row may be born on either side.
const orders: Migration = {
  name: '0001-orders',
  sql: `
    CREATE SEQUENCE orders_id_seq AS bigint MINVALUE 2 START 2 INCREMENT 2;
    CREATE TABLE orders (
      id bigint PRIMARY KEY DEFAULT nextval('orders_id_seq'),
      user_id bigint NOT NULL,
      idempotency_key varchar(80) NULL,
      status varchar(16) NOT NULL DEFAULT 'placed' CHECK (status IN ('placed', 'cancelled')),
      total numeric(10,2) NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      UNIQUE (user_id, idempotency_key)
    );
    ALTER SEQUENCE orders_id_seq OWNED BY orders.id;
    CREATE INDEX orders_user_newest ON orders (user_id, created_at DESC, id DESC);

    CREATE SEQUENCE order_items_id_seq AS bigint MINVALUE 2 START 2 INCREMENT 2;
    CREATE TABLE order_items (
      id bigint PRIMARY KEY DEFAULT nextval('order_items_id_seq'),
      order_id bigint NOT NULL REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED,
      product_id bigint NOT NULL,
      quantity integer NOT NULL,
      unit_price numeric(10,2) NOT NULL
    );
    ALTER SEQUENCE order_items_id_seq OWNED BY order_items.id;
    CREATE INDEX order_items_order ON order_items (order_id);`,
};

// What the saga must not forget: an attempt stands here from before its first claim until its order is placed or its
// claims are undone.
const attempts: Migration = {
  name: '0002-order-attempts',
  sql: `
    CREATE TABLE order_attempts (
      attempt uuid PRIMARY KEY,
      user_id bigint NOT NULL,
      idempotency_key varchar(80) NOT NULL,
      state varchar(16) NOT NULL CHECK (state IN ('open', 'undoing')),
      started_at timestamptz(3) NOT NULL DEFAULT now()
    );
    CREATE INDEX order_attempts_purchase ON order_attempts (user_id, idempotency_key);`,
};

const outbox: Migration = {
  name: '0003-outbox',
  sql: `
    CREATE TABLE outbox (
      id uuid PRIMARY KEY,
      aggregatetype varchar(40) NOT NULL,
      aggregateid varchar(40) NOT NULL,
      type varchar(40) NOT NULL,
      payload jsonb NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    );`,
};

// Of the service alone: `strangler doctor` names tables that nothing syncs, unless their comment says so.
const notSynced: Migration = {
  name: '0004-not-synced',
  sql: `
    COMMENT ON TABLE order_attempts IS 'strangler: not synced. An attempt ends where it began.';
    COMMENT ON TABLE outbox IS 'strangler: not synced. Events on their way to Kafka.';
    COMMENT ON TABLE schema_migrations IS 'strangler: not synced.';`,
};

/** Runs the pending migrations of the orders service; answers the names of those it ran. */
export const migrate = (databaseUrl: string): Promise<string[]> =>
  runMigrations(databaseUrl, [orders, attempts, outbox, notSynced]);
