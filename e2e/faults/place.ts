import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Ports of the first lane’s own servers: it kills them, so it shares them with nobody. */
const SERVER_PORTS = { MYSQL: 23306, POSTGRES: 25432, KAFKA: 29092, CONTROLLER: 29093, CONNECT: 28083, UNLEASH: 24242 };
const PORT_SHIFT = 20_000;
/** From a lane to the next. */
const LANE_SHIFT = 100;
/** Ports above are the system’s own to give away; nine lanes stay below. */
export const MOST_LANES = 9;

/** The repository’s home, where the report goes. */
export const usualHome = (env: NodeJS.ProcessEnv): string => env.STRANGLER_HOME ?? join(ROOT, '.strangler');

/**
 * Where a lane lives, counted from 1: `faults-N/` in the repository’s home, on ports of its own; STRANGLER_FAULTS_HOME,
 * STRANGLER_PORT_NAME and STRANGLER_PORT_SHIFT put a second suite beside it. Gives what to add to the environment.
 */
export function placeOf(env: NodeJS.ProcessEnv, lane: number): Record<string, string> {
  const usual = usualHome(env);
  const home = env.STRANGLER_FAULTS_HOME ?? join(usual, 'faults');
  if (!isAbsolute(home)) throw new Error('STRANGLER_FAULTS_HOME must be an absolute path');
  const shift = (lane - 1) * LANE_SHIFT;
  const ports = Object.entries(SERVER_PORTS).map(([name, port]) => {
    const variable = `STRANGLER_PORT_${name}`;
    return [variable, String(Number(env[variable] ?? port) + shift)];
  });
  return {
    STRANGLER_HOME: `${home}-${lane}`,
    STRANGLER_DOWNLOADS: env.STRANGLER_DOWNLOADS ?? join(usual, 'downloads'),
    STRANGLER_PORT_SHIFT: String(Number(env.STRANGLER_PORT_SHIFT ?? PORT_SHIFT) + shift),
    ...Object.fromEntries(ports),
  };
}
