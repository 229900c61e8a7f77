import type { Process } from '../../rehearsal/processes.ts';
import { killServer } from '../../servers.ts';
import type { Fault, Scene } from '../fault.ts';
import { takenOver } from './kills.ts';

const SERVERS = ['mysql', 'postgres', 'kafka', 'connect'] as const;
const PROCESSES = ['cdc', 'control'] as const;

type Server = (typeof SERVERS)[number];
type Victim = Server | (typeof PROCESSES)[number];

const CALLED: Readonly<Record<Victim, string>> = {
  ...{ mysql: 'MySQL', postgres: 'Postgres', kafka: 'broker', connect: 'Connect', cdc: 'cdc', control: 'control' },
};

/** faults.md: 54 whatever control was about, 61 a target, 62 the broker, 63 the applier. */
const LINES: Readonly<Record<Victim, number>> = {
  mysql: 61,
  postgres: 61,
  kafka: 62,
  connect: 62,
  cdc: 63,
  control: 54,
};

/** Every two of these. */
const pairsOf = <T>(all: readonly T[]): (readonly [T, T])[] =>
  all.flatMap((one, at) => all.slice(at + 1).map((other) => [one, other] as const));

/** kill -9 of both at once; servers are started again by their supervisor, our processes after a moment. */
const killBoth =
  (pair: readonly Victim[]) =>
  async ({ stack, pause }: Scene): Promise<void> => {
    const ours: Process[] = [];
    if (pair.includes('cdc')) ours.push(stack.cdc);
    if (pair.includes('control')) ours.push(await stack.activeControl());
    const servers = SERVERS.filter((server) => pair.includes(server)).map(killServer);
    await Promise.all(ours.map((one) => one.kill()));
    await Promise.all(servers);
    if (pair.includes('control')) await takenOver(stack);
    await pause(0, 500);
    await Promise.all(ours.map((one) => one.start()));
  };

function fault(pair: readonly [Victim, Victim], idle: boolean): Fault {
  const [one, other] = pair;
  const postgres = pair.includes('postgres');
  return {
    name: `${CALLED[one]} and ${CALLED[other]} killed at once${idle ? ', idle' : ''}, steady`,
    lines: [...new Set(pair.map((victim) => LINES[victim]))],
    chapter: 'steady',
    strike: killBoth(pair),
    // A database that is away is the judge's business, who may take everybody back; by force, if it is the service's.
    ...((postgres || pair.includes('mysql')) && { mayRollBack: true }),
    ...(postgres && { behind: true }),
    ...(idle && { idle }),
  };
}

/** kill -9 of every two at once: what one of them would have noticed or kept going must not hang on the other. */
export const pairs: readonly Fault[] = [
  ...pairsOf(SERVERS).map((pair) => fault(pair, true)),
  ...pairsOf([...SERVERS, ...PROCESSES]).map((pair) => fault(pair, false)),
];
