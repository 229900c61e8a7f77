import type { Home } from '../home.ts';
import type { Ports } from '../ports.ts';

/** What a recipe works with: the set's folder and ports, and a voice for progress lines. */
export interface Kitchen {
  readonly home: Home;
  readonly ports: Ports;
  say(text: string): void;
}

/** How a program is started. `user` and `group` only where it must not run as root. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** How one part is fetched, made and started. */
export interface Recipe {
  /** How it is asked to end at once and cleanly. */
  readonly stopSignal: NodeJS.Signals;
  /** Fetches what is missing into `downloads`; leaves nothing half there. Throws a Problem naming what is missing. */
  install(kitchen: Kitchen): Promise<void>;
  /** Fills a fresh data folder. Absent: the part keeps none of its own. */
  initialise?(kitchen: Kitchen, folder: string): Promise<void>;
  /** What must stand in the servers it needs, and the files it reads, before each start. */
  beforeStart?(kitchen: Kitchen): Promise<void>;
  command(kitchen: Kitchen): Command;
  /** Asks the running server for real work; throws while it is not ready. */
  probe(kitchen: Kitchen): Promise<void>;
}
