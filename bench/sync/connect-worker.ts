import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Servers } from '@strangler/servers';
import { homeOf } from '../../deploy/local/home.ts';
import { defaultPorts } from '../../deploy/local/ports.ts';
import { installJars, jars, javaCommand } from '../../deploy/local/recipes/java.ts';
import { run } from '../../deploy/local/run.ts';
import { asProperties, connectSettings, heaps } from '../../deploy/local/settings.ts';
import { wholeFolder } from '../../deploy/local/whole-folder.ts';
import { freePort, startChild } from '../child.ts';
import { say } from '../screen.ts';

const RUNNING_WITHIN_MS = 60_000;
const SINK = { artifact: 'debezium-connector-jdbc', version: '3.5.0.Final' };

/** The folder that holds the peer’s plugin, fetched once with Maven. */
async function sinkFolder(): Promise<string> {
  const folder = join(homeOf().downloads, `${SINK.artifact}-${SINK.version}`);
  await wholeFolder(folder, async (half) => {
    say('fetching Debezium’s JDBC sink with Maven (some 55 MB)');
    const archive = join(half, 'archive');
    mkdirSync(archive);
    await run(
      {
        file: 'mvn',
        args: [
          ...['-B', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'],
          `-Dartifact=io.debezium:${SINK.artifact}:${SINK.version}:tar.gz:plugin`,
          `-DoutputDirectory=${archive}`,
        ],
      },
      { missing: 'sudo apt-get install maven', failed: 'check that Maven reaches its repository, then try again' },
    );
    const file = join(archive, `${SINK.artifact}-${SINK.version}-plugin.tar.gz`);
    await run({ file: 'tar', args: ['xzf', file, '-C', archive] });
    renameSync(join(archive, SINK.artifact), join(half, SINK.artifact));
    rmSync(archive, { recursive: true });
  });
  return folder;
}

/** A Connect worker of the benchmark’s own. */
export type Worker = {
  readonly url: string;
  /** Creates a connector and waits until its task runs. Throws with the reason if it does not. */
  put(name: string, config: Record<string, string>): Promise<void>;
  /** What Connect says of a connector. */
  state(name: string): Promise<string>;
  stop(): Promise<void>;
};

/**
 * Starts a Connect worker as the servers’ own is, in a group and with topics of its own (`prefix`), which knows the
 * peer’s plugin as well: both contenders run in it.
 */
export async function startWorker(
  servers: Servers,
  prefix: string,
  folder: string,
  signal: AbortSignal,
): Promise<Worker> {
  const home = homeOf();
  await installJars({ home, ports: defaultPorts, say });
  const plugins = [join(jars(home), 'plugins'), await sinkFolder()].join(',');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, 'connect.properties');
  const own = {
    'group.id': `${prefix}-connect`,
    'config.storage.topic': `${prefix}-connect-configs`,
    'offset.storage.topic': `${prefix}-connect-offsets`,
    'status.storage.topic': `${prefix}-connect-statuses`,
    'bootstrap.servers': servers.kafka.brokers.join(','),
    listeners: url,
    'rest.advertised.host.name': '127.0.0.1',
    'rest.advertised.port': port,
    'plugin.path': plugins,
    // Brokers allow these by default, whatever the shared one was started with.
    'session.timeout.ms': 10_000,
    'heartbeat.interval.ms': 3_000,
  };
  writeFileSync(file, asProperties({ ...connectSettings, ...own }));
  const call = async (path: string, method = 'GET', body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      signal: AbortSignal.timeout(15_000),
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Connect answered ${method} ${path} with ${response.status}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const command = javaCommand(home, heaps.connect, 'org.apache.kafka.connect.cli.ConnectDistributed', [file]);
  const stop = await startChild('the Connect worker', command, () => call('/connectors'), signal);
  type State = { state: string; trace?: string };
  return {
    url,
    stop,
    state: async (name) => JSON.stringify(await call(`/connectors/${name}/status`)),
    async put(name, config) {
      await call(`/connectors/${name}/config`, 'PUT', config);
      for (const deadline = Date.now() + RUNNING_WITHIN_MS; Date.now() < deadline; await sleep(100)) {
        signal.throwIfAborted();
        const status = (await call(`/connectors/${name}/status`).catch(() => undefined)) as
          | { connector: State; tasks: State[] }
          | undefined;
        const [task] = status?.tasks ?? [];
        const failed = [status?.connector, task].find((one) => one?.state === 'FAILED');
        if (failed) throw new Error(`connector ${name} failed:\n${failed.trace?.slice(0, 2_000)}`);
        if (task?.state === 'RUNNING') return;
      }
      throw new Error(`connector ${name} does not run after ${RUNNING_WITHIN_MS / 1_000} s`);
    },
  };
}
