import { expect, test } from '@jest/globals';
import { openSession } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import { findUnsafe } from './unsafe.ts';

test('a service’s database that lacks characters is refused at init, by its encoding (faults 88)', async () => {
  const { postgres, mysql } = await servers();
  const at = (scheme: string, { user, password, host, port }: typeof mysql, database: string) =>
    openSession(`${scheme}://${user}:${password}@${host}:${port}/${database}`, 'reader');
  const name = `latin_${process.pid}`;
  const [monolith, admin] = [await at('mysql', mysql, 'mysql'), await at('postgres', postgres, postgres.database)];
  try {
    await admin.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0`);
    const service = await at('postgres', postgres, name);
    const reasons = await findUnsafe(monolith, service, new Map());
    await service.close();
    expect(reasons).toEqual([
      expect.stringMatching(/^the service’s database has the encoding LATIN1: .* ENCODING 'UTF8'/),
    ]);
    expect(await findUnsafe(monolith, admin, new Map())).toEqual([]);
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await Promise.all([monolith.close(), admin.close()]);
  }
});
