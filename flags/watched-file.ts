import { EventEmitter } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { UnleashEvents } from 'unleash-client';
import { type FlagFile, parseFlagFile } from './flag-file.ts';
import type { Feature } from './percentage.ts';

/** The net under the watcher, and what keeps a flag's age small: the file is read again this often, in ms. */
const POLL_MS = 1_000;
/** An editor may write in several steps: a broken file is looked at once more after this many ms. */
const SECOND_LOOK_MS = 50;

/** A flags file as the repository of an unleash-client: the client's own evaluation, with no server behind it. */
export class WatchedFile extends EventEmitter {
  readonly #path: string;
  #features = new Map<string, Feature>();
  #repeated: ReadonlySet<string> = new Set();
  #text: string | undefined;
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  /** Begins to watch. Does not reject: what cannot be read is an `error` event. */
  async start(): Promise<void> {
    this.#watch();
    this.#poll = setInterval(() => {
      this.#watch();
      void this.#load();
    }, POLL_MS);
    this.#poll.unref();
    await this.#load();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#poll);
    this.#watcher?.close();
    this.removeAllListeners();
  }

  getToggle = (name: string): Feature | undefined => this.#features.get(name);
  /** True if several features have this name: a reader of the file takes one of them, and nobody says which. */
  isRepeated = (name: string): boolean => this.#repeated.has(name);
  getToggles = (): Feature[] => [...this.#features.values()];
  getTogglesWithSegmentData = () => this.getToggles().map(({ strategies: _, ...rest }) => rest);
  getSegment = (): undefined => undefined;

  /** Changes the file in one atomic step: readers see it before or after. Rejects with nothing changed. */
  change(edit: (file: FlagFile) => FlagFile): Promise<void> {
    return this.#inTurn(async () => {
      const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '{"version":2,"features":[]}';
        throw error;
      });
      const draft = `${this.#path}.${process.pid}.tmp`;
      try {
        const changed = `${JSON.stringify(edit(parseFlagFile(text)), null, 2)}\n`;
        if (changed === text) return;
        await mkdir(dirname(this.#path), { recursive: true });
        const file = await open(draft, 'w');
        await file
          .writeFile(changed)
          .then(() => file.sync())
          .finally(() => file.close());
        await rename(draft, this.#path);
      } catch (error) {
        await rm(draft, { force: true });
        throw new Error(`${this.#path} cannot be changed: ${(error as Error).message}`, { cause: error });
      }
      await this.#look();
    });
  }

  #watch(): void {
    if (this.#watcher || this.#stopped) return;
    try {
      const watcher = watch(dirname(this.#path), (_, name) => {
        if (name === null || name === basename(this.#path)) void this.#load();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watcher = undefined;
      });
      this.#watcher = watcher.unref();
    } catch {
      this.#watcher = undefined; // the directory may come later; until then the poll finds the file
    }
  }

  /** Reads and writes of this process never overtake each other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #load(): Promise<void> {
    return this.#inTurn(async () => {
      if (!(await this.#look(false)) && !this.#stopped) {
        await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
        await this.#look();
      }
    });
  }

  /** One look at the file; true if it could be read. */
  async #look(loud = true): Promise<boolean> {
    try {
      const text = await readFile(this.#path, 'utf8');
      const changed = text !== this.#text;
      if (changed) {
        const { features } = parseFlagFile(text);
        const known = new Map<string, Feature>();
        const repeated = new Set<string>();
        for (const feature of features) {
          if (known.has(feature.name)) repeated.add(feature.name);
          known.set(feature.name, feature);
        }
        this.#features = known;
        this.#repeated = repeated;
        if (this.#text === undefined) this.emit(UnleashEvents.Ready);
        this.#text = text;
      }
      this.emit(changed ? UnleashEvents.Changed : UnleashEvents.Unchanged);
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && this.#text === undefined) return true; // there never was one: nothing is amiss
      if (loud && !this.#stopped) this.emit(UnleashEvents.Error, new Error(code === 'ENOENT' ? 'is gone' : message));
      return false;
    }
  }
}
