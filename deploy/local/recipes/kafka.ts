import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { dataFolder, type Home } from '../home.ts';
import type { Ports } from '../ports.ts';
import { run } from '../run.ts';
import { asProperties, heaps, kafkaSettings } from '../settings.ts';
import { installJars, javaCommand } from './java.ts';
import type { Recipe } from './recipe.ts';

const propertiesFile = (home: Home) => join(home.run, 'kafka.properties');

function writeProperties(path: string, ports: Ports, data: string): void {
  const addresses = {
    listeners: `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'log.dirs': data,
  };
  writeFileSync(path, asProperties({ ...kafkaSettings, ...addresses }));
}

export const kafka: Recipe = {
  stopSignal: 'SIGTERM',

  install: installJars,

  async initialise({ home, ports, say }, folder) {
    say('formatting the data folder');
    mkdirSync(home.run, { recursive: true });
    const path = `${propertiesFile(home)}.format`;
    writeProperties(path, ports, folder);
    const cluster = randomBytes(16).toString('base64url');
    // As one word: a name that begins with a dash would be taken for an option.
    const words = ['format', `--cluster-id=${cluster}`, '-c', path];
    await run(javaCommand(home, '128m', 'kafka.tools.StorageTool', words), {
      mark: `initialise-kafka@${home.root}`,
    });
  },

  async beforeStart({ home, ports }) {
    writeProperties(propertiesFile(home), ports, dataFolder(home, 'kafka'));
  },

  command: ({ home }) => javaCommand(home, heaps.kafka, 'kafka.Kafka', [propertiesFile(home)]),

  async probe({ ports }) {
    const admin = new Kafka({
      clientId: 'strangler-servers',
      brokers: [`127.0.0.1:${ports.kafka}`],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 2000,
      retry: { retries: 0 },
    }).admin();
    try {
      await admin.connect();
      await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  },
};
