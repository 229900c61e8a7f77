import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import { run } from '../run.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The first Debian mirror that these apt sources (either format) name; undefined if they name none. */
export function debianMirror(sources: readonly string[]): string | undefined {
  for (const line of sources.join('\n').split('\n')) {
    if (!/^\s*(deb\s|URIs:)/.test(line)) continue;
    const mirror = line.match(/\bhttps?:\/\/\S+?\/debian(?=\/?(\s|$))/)?.[0];
    if (mirror) return mirror;
  }
  return undefined;
}

/**
 * Fetches a package of Debian sid and all it depends on, and unpacks them into `folder`: nothing is installed, no root
 * is needed. An apt root of its own keeps the machine's apt untouched. `instead`: what one can do without. Gives the size
 * fetched, in bytes.
 */
export async function unpackFromDebian(
  name: string,
  folder: string,
  instead = 'put mysqld 8.4 or newer on the PATH',
): Promise<number> {
  const work = `${folder}.apt`;
  const mirror = process.env.STRANGLER_DEBIAN_MIRROR ?? debianMirror(machineSources());
  if (!mirror) {
    throw new Problem(
      'No Debian mirror is known to this machine.',
      `set STRANGLER_DEBIAN_MIRROR to the address of one, or ${instead}, or use \`docker compose up\``,
    );
  }
  if (!existsSync(keyring)) {
    throw new Problem(`${keyring} is missing.`, 'sudo apt-get install debian-archive-keyring');
  }
  for (const part of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, part), { recursive: true });
  writeFileSync(join(work, 'state/status'), '');
  writeFileSync(
    join(work, 'sources.list'),
    `deb [arch=amd64 signed-by=${keyring} check-valid-until=no] ${mirror} sid main\n`,
  );
  writeFileSync(join(work, 'apt.conf'), await aptConfiguration(work));
  const apt = (...args: string[]) =>
    run(
      { file: 'apt-get', args: ['-q', '-y', ...args], env: { APT_CONFIG: join(work, 'apt.conf'), LC_ALL: 'C' } },
      {
        missing: `${instead} (Debian and Ubuntu have apt-get), or use \`docker compose up\``,
        failed: `check that ${mirror} can be reached, then try again`,
      },
    );
  await apt('update');
  const output = await apt('install', '--download-only', '--no-install-recommends', name);
  const archives = join(work, 'cache/archives');
  for (const file of readdirSync(archives).filter((entry) => entry.endsWith('.deb'))) {
    await run({ file: 'dpkg', args: ['-x', join(archives, file), folder] });
  }
  rmSync(work, { recursive: true });
  const [, amount = '0', unit = 'MB'] = output.match(/Need to get ([\d.]+) ([kM]?B)/) ?? [];
  return Number(amount) * ({ B: 1, kB: 1e3, MB: 1e6 }[unit] ?? 0);
}

function machineSources(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const listed = existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : [];
  return ['/etc/apt/sources.list', ...listed]
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'));
}

/** Everything of apt's under `work`, and of the machine's own settings only how to reach the network. */
async function aptConfiguration(work: string): Promise<string> {
  const dump = await run({ file: 'apt-config', args: ['dump'] }).catch(() => '');
  const network = dump.split('\n').filter((line) => /^Acquire::(https?|Retries|ForceIPv|Check-)/i.test(line));
  return [
    ...network,
    `Dir::State "${work}/state";`,
    `Dir::State::status "${work}/state/status";`,
    `Dir::Cache "${work}/cache";`,
    `Dir::Etc::sourcelist "${work}/sources.list";`,
    ...['sourceparts', 'main', 'parts', 'preferences', 'preferencesparts', 'trusted', 'trustedparts'].map(
      (name) => `Dir::Etc::${name} "/dev/null";`,
    ),
    'APT::Architecture "amd64";',
    'APT::Architectures { "amd64"; };',
    'APT::Sandbox::User "";',
    'Acquire::Languages "none";',
    '',
  ].join('\n');
}
