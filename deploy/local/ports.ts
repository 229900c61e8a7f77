import { join } from 'node:path';
import { type Home, readJson, writeJson } from './home.ts';

/** What listens: the parts, and Kafka's controller beside its broker. */
export type PortName = 'mysql' | 'postgres' | 'kafka' | 'controller' | 'connect' | 'unleash';
export type Ports = Readonly<Record<PortName, number>>;

export const defaultPorts: Ports = {
  mysql: 13306,
  postgres: 15432,
  kafka: 19092,
  controller: 19093,
  connect: 18083,
  unleash: 14242,
};

/**
 * The ports to use: `--port NAME=N` before STRANGLER_PORT_NAME before what was remembered before the default.
 * Throws a RangeError that lists every mistake.
 */
export function choosePorts(
  options: readonly string[],
  env: NodeJS.ProcessEnv,
  remembered: Partial<Ports> = {},
): Ports {
  const ports: Record<PortName, number> = { ...defaultPorts, ...remembered };
  const mistakes: string[] = [];
  const set = (name: string, text: string, where: string) => {
    const port = Number(text);
    if (!Object.hasOwn(defaultPorts, name))
      mistakes.push(`${where}: "${name}" is none of ${Object.keys(ports).join(', ')}`);
    else if (!/^\d+$/.test(text) || port < 1 || port > 65535)
      mistakes.push(`${where}: "${text}" is no port (1 to 65535)`);
    else ports[name as PortName] = port;
  };
  for (const name of Object.keys(defaultPorts)) {
    const variable = `STRANGLER_PORT_${name.toUpperCase()}`;
    const text = env[variable];
    if (text) set(name, text, variable);
  }
  for (const option of options) {
    const [name = '', text = ''] = option.split('=');
    set(name, text, `--port ${option}`);
  }
  for (const [name, port] of Object.entries(ports)) {
    const same = Object.entries(ports).find(([other, value]) => value === port && other > name);
    if (same) mistakes.push(`${name} and ${same[0]} cannot both use port ${port}`);
  }
  if (mistakes.length > 0) throw new RangeError(mistakes.join('\n'));
  return ports;
}

export const rememberedPorts = (home: Home): Partial<Ports> | undefined => readJson(join(home.root, 'ports.json'));

export const rememberPorts = (home: Home, ports: Ports): void => writeJson(join(home.root, 'ports.json'), ports);
