import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../home.ts';
import { asProperties, connectSettings, heaps } from '../settings.ts';
import { installJars, jars, javaCommand } from './java.ts';
import type { Recipe } from './recipe.ts';

const propertiesFile = (home: Home) => join(home.run, 'connect.properties');

/** The connectors without which Connect is of no use to us. */
const connectors = ['io.debezium.connector.mysql.MySqlConnector', 'io.debezium.connector.postgresql.PostgresConnector'];

export const connect: Recipe = {
  stopSignal: 'SIGTERM',

  install: installJars,

  async beforeStart({ home, ports }) {
    const addresses = {
      'bootstrap.servers': `127.0.0.1:${ports.kafka}`,
      listeners: `http://127.0.0.1:${ports.connect}`,
      'rest.advertised.host.name': '127.0.0.1',
      'rest.advertised.port': ports.connect,
      'plugin.path': join(jars(home), 'plugins'),
    };
    writeFileSync(propertiesFile(home), asProperties({ ...connectSettings, ...addresses }));
  },

  command: ({ home }) =>
    javaCommand(home, heaps.connect, 'org.apache.kafka.connect.cli.ConnectDistributed', [propertiesFile(home)]),

  async probe({ ports }) {
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${ports.connect}${path}`, { signal: AbortSignal.timeout(2000) });
      if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
      return (await response.json()) as unknown;
    };
    await get('/connectors');
    const plugins = ((await get('/connector-plugins')) as { class: string }[]).map((plugin) => plugin.class);
    const absent = connectors.filter((name) => !plugins.includes(name));
    if (absent.length > 0) throw new Error(`Connect does not know ${absent.join(' and ')}`);
  },
};
