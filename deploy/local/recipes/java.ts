import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../home.ts';
import { Problem } from '../problem.ts';
import { run } from '../run.ts';
import { wholeFolder } from '../whole-folder.ts';
import type { Command, Kitchen } from './recipe.ts';

const pom = join(import.meta.dirname, '../pom.xml');

/** Kafka's, Connect's and Debezium's jars, in a folder that is named after what was asked for. */
export const jars = (home: Home): string =>
  join(home.downloads, `java-${createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12)}`);

/** The major version that `java -version` prints; undefined if it cannot be read. */
export function javaVersion(text: string): number | undefined {
  const [, first, second] = text.match(/version "(\d+)(?:\.(\d+))?/) ?? [];
  return first === undefined ? undefined : Number(first === '1' ? second : first);
}

const java = () => (process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java');

/** Fetches the jars, for Kafka and Connect together. Throws a Problem without Java 17 or Maven. */
export async function installJars({ home, say }: Kitchen): Promise<void> {
  const fix = 'sudo apt-get install openjdk-17-jre-headless';
  const version = await run({ file: java(), args: ['-version'] }, { missing: fix });
  if ((javaVersion(version) ?? 0) < 17)
    throw new Problem(`Java 17 or newer is needed, this is:\n${version.trim()}`, fix);
  const folder = jars(home);
  await wholeFolder(folder, async (half) => {
    say('fetching Kafka, Connect and Debezium with Maven (some 100 MB)');
    let bytes = 0;
    let told = Date.now();
    await run(
      {
        file: 'mvn',
        args: ['-B', '-f', pom, `-Dtarget=${half}`, 'dependency:copy-dependencies@libs', 'dependency:copy@plugins'],
      },
      {
        missing: 'sudo apt-get install maven',
        failed: 'check that Maven reaches its repository (~/.m2/settings.xml), then try again',
        onLine(line) {
          bytes += downloadedBytes(line);
          if (Date.now() - told < 2000) return;
          told = Date.now();
          say(`${(bytes / 1e6).toFixed(0)} MB so far`);
        },
      },
    );
    mkdirSync(join(half, 'plugins'));
    for (const archive of readdirSync(join(half, 'archives'))) {
      await run({ file: 'tar', args: ['xzf', join(half, 'archives', archive), '-C', join(half, 'plugins')] });
    }
    rmSync(join(half, 'archives'), { recursive: true });
    say(`fetched ${(bytes / 1e6).toFixed(0)} MB`);
  });
}

/** The bytes that a line of Maven's output reports as downloaded: `Downloaded from central: … (1.2 MB at 3 MB/s)`. */
export function downloadedBytes(line: string): number {
  const [, amount, unit = 'B'] = line.match(/Downloaded from .*\(([\d.]+) ([kMG]?B)/) ?? [];
  return Number(amount ?? 0) * ({ B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit] ?? 0);
}

/** A Java program of the fetched jars, with its heap and its log on standard output. */
export const javaCommand = (home: Home, heap: string, main: string, args: string[]): Command => ({
  file: java(),
  args: [
    `-Xms${heap}`,
    `-Xmx${heap}`,
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:+ExitOnOutOfMemoryError',
    '-Dlog4j2.level=INFO',
    '-cp',
    join(jars(home), 'libs/*'),
    main,
    ...args,
  ],
});
