import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { dataFolder, type Home } from '../home.ts';
import { run } from '../run.ts';
import { asOptions, credentials, mysqlSettings } from '../settings.ts';
import { wholeFolder } from '../whole-folder.ts';
import { unpackFromDebian } from './debian.ts';
import type { Command, Kitchen, Recipe } from './recipe.ts';

const unpacked = (home: Home) => join(home.downloads, 'mysql');

/** True for what `mysqld --version` prints if it is MySQL 8.4 or newer (MariaDB calls itself mysqld too). */
export function isSuitable(version: string): boolean {
  const [, major, minor] = version.match(/Ver (\d+)\.(\d+)/) ?? [];
  if (major === undefined || /mariadb/i.test(version)) return false;
  return Number(major) > 8 || (Number(major) === 8 && Number(minor) >= 4);
}

let ownMysqld: Promise<boolean> | undefined;
const machineHasMysqld = () => {
  ownMysqld ??= run({ file: 'mysqld', args: ['--version'] }).then(isSuitable, () => false);
  return ownMysqld;
};

/** mysqld with these arguments: the machine's, or the unpacked one through its own loader, whose libc is newer. */
function mysqld(home: Home, args: string[]): Command {
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  const root = unpacked(home);
  if (!existsSync(root)) return { file: 'mysqld', args: ['--no-defaults', ...asRoot, ...args] };
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  return {
    file: join(libraries, 'ld-linux-x86-64.so.2'),
    args: [
      '--library-path',
      libraries,
      join(root, 'usr/sbin/mysqld'),
      '--no-defaults',
      `--basedir=${join(root, 'usr')}`,
      `--lc-messages-dir=${join(root, 'usr/share/mysql')}`,
      `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
      ...asRoot,
      ...args,
    ],
  };
}

export const mysql: Recipe = {
  stopSignal: 'SIGTERM',

  async install({ home, say }) {
    if (await machineHasMysqld()) return;
    await wholeFolder(unpacked(home), async (half) => {
      say('fetching MySQL from Debian sid (some 60 MB)');
      const size = await unpackFromDebian('mysql-server-core', half);
      say(`fetched and unpacked ${(size / 1e6).toFixed(0)} MB`);
    });
  },

  async initialise({ home, say }, folder) {
    say('making the data folder');
    const { user, password } = credentials.mysql;
    const script = join(home.run, 'mysql-init.sql');
    mkdirSync(home.run, { recursive: true });
    writeFileSync(
      script,
      [
        `ALTER USER '${user}'@'localhost' IDENTIFIED BY '${password}';`,
        `CREATE USER '${user}'@'%' IDENTIFIED BY '${password}';`,
        `GRANT ALL PRIVILEGES ON *.* TO '${user}'@'%' WITH GRANT OPTION;`,
        '',
      ].join('\n'),
    );
    await run(mysqld(home, ['--initialize-insecure', `--datadir=${folder}`, `--init-file=${script}`]), {
      mark: `initialise-mysql@${home.root}`,
    });
  },

  command: ({ home, ports }) =>
    mysqld(home, [
      `--datadir=${dataFolder(home, 'mysql')}`,
      '--bind-address=127.0.0.1',
      `--port=${ports.mysql}`,
      '--socket=mysqld.sock',
      '--pid-file=mysqld.pid',
      '--secure-file-priv=',
      ...asOptions(mysqlSettings),
    ]),

  async probe({ ports }: Kitchen) {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: ports.mysql,
      connectTimeout: 2000,
      ...credentials.mysql,
    });
    try {
      await connection.query('SELECT 1');
    } finally {
      connection.destroy();
    }
  },
};
