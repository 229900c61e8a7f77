import type { CapabilitySnapshot, Flight, Side, Snapshot } from '@strangler/plan';
import type { ProxyView } from '../../control/readiness.ts';
import type { Write } from '../../strangler-proxy/flights.ts';
import { Working } from './database.ts';
import type { Rules } from './rules.ts';
import { bucket, CAPABILITY, markOf, type Request, serve, TABLE_RULES } from './shop.ts';
import type { ProxyProcess, Scenario, Status, Step, World } from './world.ts';

/** As good as for ever: ages are told apart only as younger and older than `writeFate`. */
const LONG = 1e12;

/** The users, the proxies their requests go through, and the applications that serve them. */
export class Proxies {
  readonly #rules: Rules;
  readonly #requests: readonly Request[];

  constructor(rules: Rules, { requests }: Scenario) {
    this.#rules = rules;
    this.#requests = requests;
  }

  /** What control knows of the proxies. */
  views(world: World): readonly ProxyView[] {
    const views = world.proxies.flatMap((proxy, at): ProxyView[] => {
      if (!proxy.linked) return [];
      const flights = proxy.current ? this.#flights(world, proxy, at) : [];
      return [{ proxy: `proxy ${at + 1}`, pid: at, acked: proxy.current ? 1 : 0, flights }];
    });
    if (world.control?.lost) views.push({ proxy: 'a lost one', pid: -1, lostAt: LONG, acked: 0, flights: [] });
    return this.#rules.between.views(views);
  }

  /** Where a proxy would send a write of this user now. */
  destination({ snapshot }: ProxyProcess, user: string): Side | 'hold' | 'unknown' {
    const capabilities = snapshot && { [CAPABILITY]: snapshot };
    const known: Snapshot | undefined = capabilities ? { term: 1, version: 1, capabilities } : undefined;
    return this.#rules.decide(known, CAPABILITY, user, bucket(user), true);
  }

  /** Everything users, proxies and applications may do next. */
  async steps(world: World): Promise<Step[]> {
    const steps: Step[] = [];
    for (const [place, status] of world.requests.entries())
      steps.push(...(await this.#ofRequest(world, place, status)));
    for (const [at, proxy] of world.proxies.entries()) steps.push(...this.#ofProxy(world, at, proxy));
    const passed = this.#timePasses(world);
    return passed ? [...steps, passed] : steps;
  }

  async #ofRequest(world: World, place: number, status: Status): Promise<Step[]> {
    const request = this.#requests[place]!;
    const say = sayRequest(request, place);
    const becomes = (from: World, next: Status): World => ({ ...from, requests: from.requests.with(place, next) });
    const steps: Step[] = [];
    const { left } = world;
    switch (status.is) {
      case 'new': {
        if (request.past) {
          const { world: next } = await this.#serve(world, place, request.past);
          return [
            {
              label: `a job on the ${request.past}: ${say}`,
              next: becomes(next, { is: 'acknowledged', effect: true, on: request.past }),
            },
          ];
        }
        if (request.retries !== undefined && world.requests[request.retries]!.is !== 'unanswered') {
          if (world.requests[request.retries]!.is !== 'lost') return [];
        }
        for (const [by, proxy] of world.proxies.entries()) {
          const to = this.destination(proxy, request.user);
          if (to === 'unknown') continue;
          const through = world.proxies.length > 1 ? `proxy ${by + 1}` : 'the proxy';
          if (to === 'hold')
            steps.push({ label: `${through} holds: ${say}`, next: becomes(world, { is: 'held', by }) });
          else
            steps.push({
              label: `${through} sends to the ${to}: ${say}`,
              next: becomes(world, { is: 'sent', by, to }),
            });
        }
        return steps;
      }
      case 'sent': {
        if (status.to === 'service' && world.serviceIs === 'gone')
          return [{ label: `nobody answers: ${say}`, next: becomes(world, { is: 'unanswered', effect: false }) }];
        if (status.to === 'service' && world.serviceIs !== 'up') return [];
        const { world: next, effect } = await this.#serve(world, place, status.to);
        steps.push({ label: `the ${status.to} does: ${say}`, next: becomes(next, { ...status, is: 'done', effect }) });
        if (left.losses > 0) {
          const fewer = this.#loses(world, place, status);
          steps.push({
            label: `the proxy loses sight of: ${say}`,
            next: becomes(fewer, { is: 'lost', to: status.to }),
          });
        }
        return steps;
      }
      case 'done': {
        const { effect } = status;
        steps.push({
          label: `${request.user} hears of: ${say}`,
          next: becomes(world, { is: 'acknowledged', effect, on: status.to }),
        });
        if (left.losses > 0) {
          const fewer = this.#loses(world, place, status);
          steps.push({ label: `the answer is lost of: ${say}`, next: becomes(fewer, { is: 'unanswered', effect }) });
        }
        return steps;
      }
      case 'lost': {
        if (status.to === 'service' && world.serviceIs !== 'up') return [];
        const { world: next, effect } = await this.#serve(world, place, status.to);
        return [
          { label: `arrives on the ${status.to} after all: ${say}`, next: becomes(next, { is: 'unanswered', effect }) },
        ];
      }
      default:
        return [];
    }
  }

  /** A proxy takes what control has sent, joins it, or dies. */
  #ofProxy(world: World, at: number, proxy: ProxyProcess): Step[] {
    const steps: Step[] = [];
    const name = world.proxies.length > 1 ? `proxy ${at + 1}` : 'the proxy';
    const becomes = (next: ProxyProcess): World => ({ ...world, proxies: world.proxies.with(at, next) });
    if (world.control && !proxy.linked) {
      const inbox = world.control.published;
      steps.push({ label: `${name} joins control`, next: becomes({ ...proxy, linked: true, current: false, inbox }) });
    }
    if (proxy.inbox) {
      const next = becomes({ ...proxy, snapshot: proxy.inbox, inbox: null, current: true });
      steps.push({ label: `${name} hears: ${sayPicture(proxy.inbox)}`, next: this.#release(next, at) });
    }
    if (world.left.kills > 0) {
      const left = { ...world.left, kills: world.left.kills - 1 };
      const fresh: ProxyProcess = {
        snapshot: null,
        inbox: null,
        linked: false,
        current: false,
        fresh: true,
        young: [],
      };
      const requests = world.requests.map((status): Status => {
        if (!('by' in status) || status.by !== at) return status;
        if (status.is === 'sent') return { is: 'lost', to: status.to };
        return { is: 'unanswered', effect: status.is === 'done' && status.effect };
      });
      const control = world.control && { ...world.control, lost: world.control.lost || proxy.linked };
      steps.push({ label: `${name} is killed, another starts`, next: { ...becomes(fresh), requests, control, left } });
    }
    return steps;
  }

  /** Held writes go on, to whom the snapshot now in force says. */
  #release(world: World, at: number): World {
    const requests = world.requests.map((status, place): Status => {
      if (status.is !== 'held' || status.by !== at) return status;
      const to = this.destination(world.proxies[at]!, this.#requests[place]!.user);
      return to === 'monolith' || to === 'service' ? { is: 'sent', by: at, to } : status;
    });
    return { ...world, requests };
  }

  /** `writeFate` passes: by then every proxy that lives has come back to control. */
  #timePasses(world: World): Step | undefined {
    const { control, proxies, left } = world;
    if (!control || !proxies.every(({ linked }) => linked)) return undefined;
    if (!control.young && !control.lost && !control.waits && !proxies.some(({ fresh, young }) => fresh || young.length))
      return undefined;
    const lost = world.requests.filter(({ is }) => is === 'lost').length;
    if (lost && left.late < lost) return undefined;
    return {
      label: 'writeFate passes',
      next: {
        ...world,
        control: { ...control, young: false, lost: false, waits: false },
        proxies: proxies.map((proxy) => ({ ...proxy, fresh: false, young: [] })),
        left: { ...left, late: left.late - lost },
      },
    };
  }

  #loses(world: World, place: number, { by }: Status & { by: number }): World {
    const proxy = world.proxies[by]!;
    const young = [...proxy.young, place];
    const left = { ...world.left, losses: world.left.losses - 1 };
    return { ...world, proxies: world.proxies.with(by, { ...proxy, young }), left };
  }

  async #serve(world: World, place: number, side: Side): Promise<{ world: World; effect: boolean }> {
    const working = new Working(side === 'monolith' ? 'mysql' : 'postgres', TABLE_RULES, world[side]);
    const effect = await serve(working, side, this.#requests[place]!, place);
    return { world: { ...world, [side]: working.database }, effect };
  }

  #flights(world: World, proxy: ProxyProcess, at: number): Flight[] {
    const { snapshot } = proxy;
    if (!snapshot?.moving) return [];
    const { moving } = snapshot;
    const isMoved = (place: number, side: Side) => this.#rules.moves(this.#write(place, side), CAPABILITY, snapshot);
    const inFlight = world.requests.filter(
      (status, place) =>
        (status.is === 'sent' || status.is === 'done') && status.by === at && isMoved(place, status.to),
    ).length;
    const unknown = proxy.fresh || proxy.young.some((place) => isMoved(place, moving.from));
    const about = { inFlight, unknownFor: unknown ? LONG : 0, inFlightOf: [], unknownOf: [] };
    return [{ capability: CAPABILITY, epoch: moving.epoch, ...about }];
  }

  #write(place: number, side: Side): Write {
    const { user } = this.#requests[place]!;
    return { capability: CAPABILITY, user, bucket: bucket(user), side };
  }
}

const sayRequest = ({ user, does, purchase, added }: Request, place: number): string =>
  `“${user} ${does}s ${added ? `item ${added} of ` : ''}${purchase} (${markOf(place)})”`;

const sayPicture = ({ boundary, moving }: CapabilitySnapshot): string =>
  `the service owns ${boundary / 100} %${moving ? `, ${moving.subject.lo}–${moving.subject.hi} are moving` : ''}`;
