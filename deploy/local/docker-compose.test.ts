import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadPlan } from '@strangler/plan';
import { parse } from 'yaml';
import { repository } from './home.ts';
import { defaultPorts } from './ports.ts';
import {
  asOptions,
  asPostgresArguments,
  connectSettings,
  credentials,
  heaps,
  kafkaSettings,
  mysqlSettings,
  postgresSettings,
  type Settings,
  unleashSettings,
} from './settings.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const { services } = parse(readFileSync(join(repository, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
};
const service = (name: string): Service => services[name] ?? expect(Object.keys(services)).toContain(name)!;
const environment = (name: string) => service(name).environment ?? {};
const serverNames = ['mysql', 'postgres', 'kafka', 'connect', 'unleash'];
const ours = Object.keys(services).filter((name) => !serverNames.includes(name));
const steps = ['init', 'outbox'];

const asVariables = (settings: Settings, nameOf: (setting: string) => string) =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [nameOf(name), String(value)]));
const variable = (prefix: string, name: string) => `${prefix}${name.replaceAll('.', '_').toUpperCase()}`;

describe('the servers', () => {
  test('come as pinned images', () => {
    expect(Object.fromEntries(serverNames.map((name) => [name, service(name).image]))).toEqual({
      mysql: expect.stringMatching(/^mysql:8\.4\.\d+$/),
      postgres: expect.stringMatching(/^postgres:18\.\d+$/),
      kafka: expect.stringMatching(/^apache\/kafka:4\.3\.\d+$/),
      connect: expect.stringMatching(/^quay\.io\/debezium\/connect:3\.6\.\d+\.Final$/),
      unleash: expect.stringMatching(/^unleashorg\/unleash-server:8\.\d+\.\d+$/),
    });
  });

  test('start without a profile, our processes with one', () => {
    for (const name of serverNames) expect(service(name).profiles).toBeUndefined();
    for (const name of ours) expect(service(name).profiles).toEqual(['app']);
    expect(ours.sort()).toEqual([
      ...['cdc', 'control', 'init', 'monolith', 'notifications', 'orders', 'outbox', 'proxy-1', 'proxy-2'],
    ]);
  });

  test('are published on the ports of the local runner', () => {
    for (const name of serverNames) {
      const [port] = service(name).ports ?? [];
      expect(port?.split(':')[1]).toBe(String(defaultPorts[name as keyof typeof defaultPorts]));
    }
  });

  test('are set as the local runner sets them', () => {
    expect(service('mysql').command).toEqual(asOptions(mysqlSettings));
    expect(service('postgres').command).toEqual(['postgres', ...asPostgresArguments(postgresSettings)]);
    expect(environment('kafka')).toMatchObject(asVariables(kafkaSettings, (name) => variable('KAFKA_', name)));
    // The image reads these without a prefix, and writes them over those with one.
    const bare =
      /^(group\.id|(config|offset|status)\.storage\.topic|(key|value)\.converter|offset\.flush\.interval\.ms)$/;
    expect(environment('connect')).toMatchObject(
      asVariables(connectSettings, (name) => variable(bare.test(name) ? '' : 'CONNECT_', name)),
    );
    expect(environment('unleash')).toMatchObject(asVariables(unleashSettings, (name) => name));
    expect(environment('kafka').KAFKA_HEAP_OPTS).toBe(`-Xms${heaps.kafka} -Xmx${heaps.kafka}`);
    expect(environment('connect').HEAP_OPTS).toBe(`-Xms${heaps.connect} -Xmx${heaps.connect}`);
    expect(environment('mysql').MYSQL_ROOT_PASSWORD).toBe(credentials.mysql.password);
    expect(environment('postgres').POSTGRES_PASSWORD).toBe(credentials.postgres.password);
  });
});

describe('every service', () => {
  test.each(Object.keys(services))('%s is published on loopback only', (name) => {
    for (const port of service(name).ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test.each(Object.keys(services).filter((name) => !steps.includes(name)))('%s has a health check', (name) => {
    expect(service(name).healthcheck?.test).toBeDefined();
    expect(service(name).restart).toBe('unless-stopped');
  });

  test.each(Object.keys(services))('%s waits only for what exists, and for its health', (name) => {
    for (const [needed, { condition }] of Object.entries(service(name).depends_on ?? {})) {
      expect(condition).toBe(steps.includes(needed) ? 'service_completed_successfully' : 'service_healthy');
      expect(Object.keys(services)).toContain(needed);
    }
  });

  test('no two publish the same port', () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':')[1]));
    expect(new Set(published).size).toBe(published.length);
  });
});

describe('the Plan, filled in by the environment of each of our processes that reads it', () => {
  const readers = ours.filter((name) => service(name).command?.includes('strangler.yaml'));
  const listensAt: Record<string, string> = {
    mysql: '3306',
    postgres: '5432',
    kafka: '9092',
    connect: '8083',
    monolith: '3000',
    orders: '3001',
    notifications: '3002',
    control: '7070',
  };
  const expectService = (address: string) => {
    const { hostname, port } = new URL(address.includes('://') ? address : `tcp://${address}`);
    expect({ address, port }).toEqual({ address, port: listensAt[hostname] });
  };

  test.each(readers)('%s finds every address of it among the services', (name) => {
    const plan = loadPlan(join(repository, 'strangler.yaml'), environment(name));
    const databases = [
      plan.monolith.database,
      ...Object.values(plan.capabilities).map(({ service }) => service.database),
    ];
    const urls = [
      plan.monolith.url,
      plan.kafka?.connect,
      ...Object.values(plan.capabilities).map(({ service }) => service.url),
    ];
    for (const address of [...urls, ...databases.flatMap((database) => Object.values(database ?? {}))]) {
      expectService(address ?? expect.getState().currentTestName!);
    }
    for (const broker of plan.kafka?.brokers ?? []) expectService(broker);
    expectService(plan.control.listen);
  });

  test('there are six of them', () => {
    expect(readers.sort()).toEqual(['cdc', 'control', 'init', 'proxy-1', 'proxy-2']);
  });

  test('and the example’s own processes listen where it says', () => {
    for (const name of ['monolith', 'orders', 'notifications']) expect(environment(name).PORT).toBe(listensAt[name]);
  });
});
