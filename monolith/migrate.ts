import { type QueryInterface, QueryTypes } from 'sequelize';
import { SequelizeStorage, Umzug } from 'umzug';
import { connect } from './database.ts';
import * as users from './migrations/0001-users.ts';
import * as products from './migrations/0002-products.ts';
import * as orders from './migrations/0003-orders.ts';
import * as claims from './migrations/0004-claims.ts';
import * as notifications from './migrations/0005-notifications.ts';

const migrations = [
  { name: '0001-users', ...users },
  { name: '0002-products', ...products },
  { name: '0003-orders', ...orders },
  { name: '0004-claims', ...claims },
  { name: '0005-notifications', ...notifications },
];

/** Runs the pending migrations, one process at a time; answers the names of those it ran. */
export const migrate = async (databaseUrl: string): Promise<string[]> => {
  // A pool of one, so that the lock and the migrations share a session.
  const sequelize = connect(databaseUrl, 1);
  try {
    const [lock] = await sequelize.query<{ got: number | null }>("SELECT GET_LOCK('shop-migrations', 60) AS got", {
      type: QueryTypes.SELECT,
    });
    if (lock?.got !== 1)
      throw new Error('another process has been migrating this database for a minute: see to it first');
    const umzug = new Umzug<QueryInterface>({
      migrations: migrations.map(({ name, up }) => ({ name, up: ({ context }) => up(context) })),
      context: sequelize.getQueryInterface(),
      storage: new SequelizeStorage({ sequelize }),
      logger: undefined,
    });
    return (await umzug.up()).map(({ name }) => name);
  } finally {
    await sequelize.close();
  }
};
