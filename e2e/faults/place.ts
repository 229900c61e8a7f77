import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Ports of the suite’s own servers: it kills them, so it shares them with nobody. */
const SERVER_PORTS = { MYSQL: 23306, POSTGRES: 25432, KAFKA: 29092, CONTROLLER: 29093, CONNECT: 28083, UNLEASH: 24242 };
const PORT_SHIFT = 20_000;

/** The repository’s home, where the report goes. */
export const usualHome = (env: NodeJS.ProcessEnv): string => env.STRANGLER_HOME ?? join(ROOT, '.strangler');

/**
 * Where a fault suite lives: `faults/` in the repository’s home, on ports of its own; STRANGLER_FAULTS_HOME,
 * STRANGLER_PORT_NAME and STRANGLER_PORT_SHIFT put a second one beside it. Gives what to add to the environment.
 */
export function placeOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const usual = usualHome(env);
  const home = env.STRANGLER_FAULTS_HOME ?? join(usual, 'faults');
  if (!isAbsolute(home)) throw new Error('STRANGLER_FAULTS_HOME must be an absolute path');
  const ports = Object.entries(SERVER_PORTS).map(([name, port]) => {
    const variable = `STRANGLER_PORT_${name}`;
    return [variable, env[variable] ?? String(port)];
  });
  return {
    STRANGLER_HOME: home,
    STRANGLER_DOWNLOADS: env.STRANGLER_DOWNLOADS ?? join(usual, 'downloads'),
    STRANGLER_PORT_SHIFT: env.STRANGLER_PORT_SHIFT ?? String(PORT_SHIFT),
    ...Object.fromEntries(ports),
  };
}
