import { openSession, type Session } from '@strangler/ledger';
import { servers } from '@strangler/servers';

/** A database of its own on each server, as a monolith and a service have them. */
export type ScratchDatabases = {
  readonly monolith: Session;
  readonly service: Session;
  readonly urls: { readonly monolith: string; readonly service: string };
  drop(): Promise<void>;
};

/** Makes an empty database on MySQL and one on Postgres; `name` tells them from those of other tests. */
export async function scratchDatabases(name: string): Promise<ScratchDatabases> {
  const called = `${name}_${process.pid}`;
  const { mysql, postgres } = await servers();
  const at = (scheme: string, { user, password, host, port }: typeof mysql, database: string) =>
    `${scheme}://${user}:${password}@${host}:${port}/${database}`;
  const roots = [
    await openSession(at('mysql', mysql, 'mysql'), 'reader'),
    await openSession(at('postgres', postgres, postgres.database), 'reader'),
  ];
  for (const root of roots) await root.query(`CREATE DATABASE ${called}`);
  const urls = { monolith: at('mysql', mysql, called), service: at('postgres', postgres, called) };
  const [monolith, service] = [await openSession(urls.monolith, 'reader'), await openSession(urls.service, 'reader')];
  return {
    ...{ monolith, service, urls },
    drop: async () => {
      await Promise.all([monolith.close(), service.close()]);
      await roots[0]!.query(`DROP DATABASE ${called}`);
      await roots[1]!.query(`DROP DATABASE ${called} WITH (FORCE)`);
      for (const root of roots) await root.close();
    },
  };
}
