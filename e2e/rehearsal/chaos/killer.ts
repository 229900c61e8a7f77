import { sayDuration } from '@strangler/plan';
import { chanceOf } from '../../chance.ts';
import { inStoppingOrder, type Processes } from '../programs.ts';
import { say } from '../screen.ts';
import { type Pulse, Recoveries, type Wound } from './recoveries.ts';
import { type Planned, schedule } from './schedule.ts';
import { hasDiedByItself, revive, type Victim, victimsOf } from './victims.ts';

/** Kills that come by themselves, at moments the seed decides. */
export type KillPlan = { readonly seed: number; readonly kills: number };

/** Kills, starts again what has died, and keeps book; says each death and each recovery. */
export class Killer {
  readonly victims: readonly Victim[];
  readonly wounds = new Recoveries();
  readonly #processes: Processes;
  readonly #share: () => number;
  readonly #toCome: Planned[];
  readonly #signal: AbortSignal;

  /** `share` gives the share of the purchases acknowledged so far, 0…1. An abort ends it: nothing is started again. */
  constructor(processes: Processes, share: () => number, plan: KillPlan | undefined, signal: AbortSignal) {
    this.#processes = processes;
    this.#share = share;
    this.#signal = signal;
    this.victims = victimsOf(processes, signal);
    const { length } = this.victims;
    this.#toCome = plan ? schedule(chanceOf(plan.seed, 'chaos'), plan.kills, length) : [];
    if (plan) say(`  seed ${plan.seed}: ${this.#toCome.length} kills to come`);
  }

  /** Kills what belongs to this key, unless it is down already. */
  press(key: string): void {
    const victim = this.victims.find((one) => one.key === key);
    if (victim) this.#strike(victim);
  }

  /** Does what is due: kills that were planned, and starts again what has died by itself. */
  turn(): void {
    while (this.#toCome[0] && this.#share() >= this.#toCome[0].share) {
      this.#strike(this.victims[this.#toCome.shift()!.victim]!);
    }
    for (const one of inStoppingOrder(this.#processes).filter(hasDiedByItself)) {
      say(`  ! ${one.program.name} ended by itself`);
      this.#fix(this.wounds.open(one.program.name, this.#share(), true), revive(one, this.#signal));
    }
  }

  /** Closes the wounds that have healed by now. */
  tend(pulse: Pulse): void {
    for (const { victim, at, back, healed } of this.wounds.tend(pulse)) {
      say(
        `  ✓ ${victim} back after ${sayDuration(back! - at)}, lag below 1 s again after ${sayDuration(healed! - at)}`,
      );
    }
  }

  #strike({ name, strike }: Victim): void {
    if (this.wounds.isDown(name)) return;
    const share = this.#share();
    say(`  ✗ ${name} killed at ${Math.floor(share * 100)} % of the purchases`);
    this.#fix(this.wounds.open(name, share), strike());
  }

  #fix(wound: Wound, back: Promise<void>): void {
    back.then(
      () => {
        wound.back = Date.now();
      },
      (error: Error) => {
        if (!this.#signal.aborted) say(`  ! ${wound.victim}: ${error.message}`);
      },
    );
  }
}
