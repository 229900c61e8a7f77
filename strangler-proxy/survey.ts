import { LONGEST_ROUTE, MOST_SURVEYED, type NamedUser, type Route, type SurveyedWrite } from '@strangler/plan';
import { isDeclaredReadOnly, isWrite, type RoutedCapability } from './route.ts';
import type { Clean } from './sanitize.ts';
import { RouteNames } from './shadow/route-names.ts';
import type { RequestSubject } from './subject.ts';

/** Writes kept for control while it does not take them. */
const MOST_KEPT = 10_000;
/** How often a proxy says that it still tells, ms. */
const HEARTBEAT_MS = 1_000;

/** Ends a write that is told of, with the status of its answer (0: none). Safe to call twice. */
export type EndSurveyed = (status: number) => void;

type Telling = { -readonly [Key in keyof SurveyedWrite]: SurveyedWrite[Key] };
type Clocks = { readonly wall: () => number; readonly steady: () => number };

/** What a message to control says. */
export type Told = { readonly at: number; readonly writes: readonly SurveyedWrite[]; readonly dropped: number };

/**
 * Tells control, while a survey runs, of every request that may write: begun, and ended. It looks at requests and changes
 * nothing about them; what there is no room for is dropped and counted.
 */
export class WriteSurvey {
  readonly #capabilities: readonly RoutedCapability[];
  readonly #clocks: Clocks;
  #names = new RouteNames();
  readonly #untold = new Set<Telling>();
  #until = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;
  #next = 0;
  #dropped = 0;

  constructor(
    capabilities: readonly RoutedCapability[],
    clocks: Clocks = { wall: Date.now, steady: performance.now.bind(performance) },
  ) {
    this.#capabilities = capabilities;
    this.#clocks = clocks;
  }

  /** A survey runs for so many milliseconds more. */
  goOn(milliseconds: number): void {
    if (!this.#isOn) this.#forget();
    this.#until = this.#clocks.steady() + milliseconds;
  }

  /** Notes a request as begun; undefined if nobody surveys, or it cannot write. */
  begin(clean: Clean, subject: RequestSubject): EndSurveyed | undefined {
    if (!this.#isOn || !isWrite(undefined, clean.method, clean.readings)) return undefined;
    return this.#note(clean, subject);
  }

  /** The same of a WebSocket: it may carry writes whatever its method says. */
  beginSocket(clean: Clean, subject: RequestSubject): EndSurveyed | undefined {
    return this.#isOn ? this.#note(clean, subject) : undefined;
  }

  /** What is to be told now; undefined if nothing is, or nobody surveys. */
  take(): readonly Told[] | undefined {
    if (!this.#isOn) return undefined;
    const now = this.#clocks.steady();
    if (!this.#untold.size && !this.#dropped && now - this.#toldAt < HEARTBEAT_MS) return undefined;
    this.#toldAt = now;
    const at = this.#clocks.wall();
    const all = [...this.#untold].map((write) => ({ ...write }));
    const told: Told[] = [{ at, writes: all.splice(0, MOST_SURVEYED), dropped: this.#dropped }];
    while (all.length) told.push({ at, writes: all.splice(0, MOST_SURVEYED), dropped: 0 });
    this.#untold.clear();
    this.#dropped = 0;
    return told;
  }

  get #isOn(): boolean {
    return this.#clocks.steady() < this.#until;
  }

  #forget(): void {
    this.#untold.clear();
    this.#dropped = 0;
    this.#names = new RouteNames(); // what scanners asked for before leaves no room for those that matter
  }

  #note(clean: Clean, subject: RequestSubject): EndSurveyed {
    const { routed } = subject;
    const users: Record<string, NamedUser> = {};
    const target = routed ? clean.target : likeRoutes(this.#capabilities, clean.target);
    const write: Telling = {
      id: this.#next++,
      capability: routed?.name ?? null,
      route: this.#names.nameOf(routed, target, clean.method).slice(0, LONGEST_ROUTE),
      readOnly: routed !== undefined && isDeclaredReadOnly(routed, clean.method, clean.readings),
      users,
      began: this.#clocks.wall(),
      ended: null,
      status: 0,
    };
    const { method, headers, target: sent } = clean;
    // Nothing hangs on the answer: it may go by what is remembered.
    const asked = { method, isWrite: false, headers, target: sent, parameters: new Map<string, string>() };
    const later: Promise<void>[] = [];
    for (const one of this.#capabilities) {
      const said = one === routed ? subject.identity : one.identify(asked);
      if (!(said instanceof Promise)) users[one.name] = said;
      else {
        later.push(
          said.then((known) => {
            users[one.name] = known;
          }),
        );
      }
    }
    if (!later.length) this.#tell(write);
    else void Promise.all(later).then(() => this.#tell(write));
    return (status) => {
      if (write.ended !== null) return;
      write.ended = this.#clocks.wall();
      write.status = status;
      if (Object.keys(users).length === this.#capabilities.length) this.#tell(write); // else it is told once they are known
    };
  }

  #tell(write: Telling): void {
    if (this.#untold.size < MOST_KEPT || this.#untold.has(write)) this.#untold.add(write);
    else this.#dropped++;
  }
}

/**
 * A target on no route, with names and ids in it where the routes have parameters: `/articles/{slug}/favorite` by
 * `/articles/:slug`. Else every slug would be a route of its own.
 */
function likeRoutes(capabilities: readonly RoutedCapability[], target: string): string {
  const segments = target
    .replace(/[?#].*$/s, '')
    .slice(1)
    .split('/');
  const begins = capabilities.flatMap(({ routes }) => routes).filter((route) => isBeginning(route, segments));
  const longest = begins.sort((a, b) => b.segments.length - a.segments.length)[0];
  for (const [at, segment] of longest?.segments.entries() ?? []) {
    if (segment.startsWith(':')) segments[at] = `{${segment.slice(1)}}`;
  }
  return `/${segments.map((segment) => (isPrivate(segment) ? '{value}' : segment)).join('/')}`;
}

/** An address, a token or the like: names of routes go into reports, and into Plans. */
const isPrivate = (segment: string): boolean =>
  /@|%40/i.test(segment) ||
  segment.length > 40 ||
  (segment.length >= 16 && [/\d/, /[a-z]/, /[A-Z]/].every((one) => one.test(segment)));

const isBeginning = ({ segments: pattern }: Route, segments: readonly string[]): boolean =>
  pattern.length <= segments.length &&
  pattern.every((segment, at) => segment === '*' || segment.startsWith(':') || segment === segments[at]!.toLowerCase());
