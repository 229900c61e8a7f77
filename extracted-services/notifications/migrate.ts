import { type Migration, runMigrations } from './database.ts';

// Ids are even here and odd in the monolith, so that a row may be born on either side.
const notifications: Migration = {
  name: '0001-notifications',
  sql: `
    CREATE SEQUENCE notifications_id_seq AS bigint MINVALUE 2 START 2 INCREMENT 2;
    CREATE TABLE notifications (
      id bigint PRIMARY KEY DEFAULT nextval('notifications_id_seq'),
      user_id bigint NOT NULL,
      kind varchar(40) NOT NULL,
      reference varchar(80) NOT NULL,
      title varchar(200) NOT NULL,
      body varchar(1000) NOT NULL,
      read_at timestamptz(3) NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      UNIQUE (user_id, kind, reference)
    );
    ALTER SEQUENCE notifications_id_seq OWNED BY notifications.id;
    CREATE INDEX notifications_user_newest ON notifications (user_id, created_at DESC, id DESC);`,
};

// Events nobody could make sense of: kept, so that they neither get lost nor stop those behind them.
const unreadable: Migration = {
  name: '0002-unreadable-events',
  sql: `
    CREATE TABLE unreadable_events (
      topic varchar(249) NOT NULL,
      partition integer NOT NULL,
      message_offset bigint NOT NULL,
      value text NULL,
      reason text NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (topic, partition, message_offset)
    );`,
};

// Of the service alone: `strangler doctor` names tables that nothing syncs, unless their comment says so.
const notSynced: Migration = {
  name: '0003-not-synced',
  sql: `
    COMMENT ON TABLE unreadable_events IS 'strangler: not synced.';
    COMMENT ON TABLE schema_migrations IS 'strangler: not synced.';`,
};

/** Runs the pending migrations of the notifications service; answers the names of those it ran. */
export const migrate = (databaseUrl: string): Promise<string[]> =>
  runMigrations(databaseUrl, [notifications, unreadable, notSynced]);
