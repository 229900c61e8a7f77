import type { CapabilitySnapshot, Flight, Side, Snapshot } from '@strangler/plan';
import type { ProxyView } from '../../control/readiness.ts';
import type { Write } from '../../strangler-proxy/flights.ts';
import { Working } from './database.ts';
import type { Rules } from './rules.ts';
import { bucket, CAPABILITY, markOf, type Request, serve, TABLE_RULES } from './shop.ts';
import type { Picture, ProxyProcess, Scenario, Seat, Status, Step, World } from './world.ts';

/** As good as for ever: ages are told apart only as younger and older than `writeFate`. */
const LONG = 1e12;

/** The users, the proxies their requests go through, and the applications that serve them. */
export class Proxies {
  readonly #rules: Rules;
  readonly #requests: readonly Request[];
  readonly #fence: boolean;

  constructor(rules: Rules, { requests, fence = false }: Scenario) {
    this.#rules = rules;
    this.#requests = requests;
    this.#fence = fence;
  }

  /** What a control knows of the proxies. */
  views(world: World, seat: Seat): readonly ProxyView[] {
    const views = world.proxies.flatMap((one, at): ProxyView[] => {
      if (!world[seat]?.knows[at]) return [];
      const view = { proxy: `proxy ${at + 1}`, pid: at };
      if (one.link !== seat) return [{ ...view, lostAt: 0, acked: 0, flights: [] }];
      const flights = one.current ? (one.told ?? this.#flights(world, one, at)) : [];
      return [{ ...view, acked: one.current ? 1 : 0, flights }];
    });
    if (world[seat]?.parted) views.push({ ...GONE, lostAt: LONG, dismissed: true });
    return this.#rules.between.views(views);
  }

  /** Names of the proxies a control misses. */
  lost(world: World, seat: Seat): readonly string[] {
    return this.#rules.lostProxies(this.views(world, seat)).map(({ proxy }) => proxy);
  }

  /** Where a proxy would send a write of this user now. */
  destination({ snapshot, cut }: ProxyProcess, user: string): Side | 'hold' | 'unknown' {
    const write = !cut || this.#rules.registry.holdsOn;
    return this.#rules.decide(snapshot ? asSnapshot(snapshot) : undefined, CAPABILITY, user, bucket(user), write);
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
        if (request.past && this.#refuses(world, request.past, request.user))
          return [{ label: `the fence refuses a job: ${say}`, next: becomes(world, REFUSED) }];
        if (request.past) {
          const { world: next, effect } = await this.#serve(world, place, request.past);
          return [
            {
              label: `a job on the ${request.past}: ${say}`,
              next: becomes(next, { is: 'acknowledged', effect, on: request.past }),
            },
          ];
        }
        if (request.retries !== undefined && world.requests[request.retries]!.is !== 'unanswered') {
          if (world.requests[request.retries]!.is !== 'lost') return [];
        }
        for (const [by, proxy] of world.proxies.entries()) {
          const to = this.destination(proxy, request.user);
          if (to === 'unknown' || (request.through ?? by) !== by) continue;
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
        if (this.#refuses(world, status.to, request.user)) {
          const to = this.destination(world.proxies[status.by]!, request.user);
          const again: Status = to === 'hold' ? { is: 'held', by: status.by } : { ...status, to: to as Side };
          const next = becomes(world, to === status.to || to === 'unknown' ? REFUSED : again);
          return [{ label: `the fence of the ${status.to} refuses: ${say}`, next }];
        }
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
        if (this.#refuses(world, status.to, request.user))
          return [{ label: `the fence of the ${status.to} refuses: ${say}`, next: becomes(world, REFUSED) }];
        const { world: next, effect } = await this.#serve(world, place, status.to);
        return [
          { label: `arrives on the ${status.to} after all: ${say}`, next: becomes(next, { is: 'unanswered', effect }) },
        ];
      }
      case 'held': {
        if (!world.proxies[status.by]!.cut) return [];
        return [{ label: `the proxy holds too long and refuses: ${say}`, next: becomes(world, REFUSED) }];
      }
      default:
        return [];
    }
  }

  /** A proxy takes what control has sent, joins it, is cut off from it, or ends. */
  #ofProxy(world: World, at: number, proxy: ProxyProcess): Step[] {
    const steps: Step[] = [];
    const { left } = world;
    const name = world.proxies.length > 1 ? `proxy ${at + 1}` : 'the proxy';
    const becomes = (next: ProxyProcess): World => ({ ...world, proxies: world.proxies.with(at, next) });
    for (const seat of SEATS) if (mayJoin(world, seat, proxy)) steps.push(this.#join(world, seat, at, name));
    if (world.former && left.returns > 0 && proxy.link === 'control' && !proxy.cut) {
      const fewer = { ...world, left: { ...left, returns: left.returns - 1 } };
      steps.push({ ...this.#join(fewer, 'former', at, name), hope: true });
    }
    if (proxy.inbox && !proxy.cut) {
      const { snapshot, inbox } = proxy;
      if (this.#rules.mayFollow(snapshot ? asSnapshot(snapshot) : undefined, asSnapshot(inbox))) {
        const next = becomes({ ...proxy, snapshot: inbox, inbox: null, current: true });
        steps.push({ label: `${name} hears: ${sayPicture(inbox)}`, next: this.#release(next, at) });
      } else {
        const label = `${name} refuses what the former control says: ${sayPicture(inbox)}`;
        steps.push({ label, next: becomes({ ...proxy, inbox: null }) });
      }
    }
    const isFirst = at === 0; // proxies are alike: what happens to one of them need not be tried on each
    if (isFirst && left.cuts > 0 && !proxy.cut && proxy.link) {
      const told = proxy.current ? this.#flights(world, proxy, at) : [];
      const next = becomes({ ...proxy, cut: true, told });
      const fewer = { ...left, cuts: left.cuts - 1 };
      steps.push({ label: `${name} is cut off`, next: { ...next, left: fewer }, hope: true });
    }
    if (proxy.cut && proxy.link) steps.push({ label: `${name} is missed`, next: becomes({ ...proxy, ...UNLINKED }) });
    if (proxy.cut && left.heals > 0) {
      const next = becomes({ ...proxy, cut: false, told: null });
      const fewer = { ...left, heals: left.heals - 1 };
      steps.push({ label: `${name} is reached again`, next: { ...next, left: fewer }, hope: true });
    }
    const { control } = world;
    if (left.dismissals > 0 && control?.knows[at] && proxy.link !== 'control') {
      const fewer = { ...left, dismissals: left.dismissals - 1 };
      const next = { ...unregistered(world, at, 'control', true), left: fewer };
      steps.push({ label: `the operator dismisses ${name}`, next, hope: true });
    }
    if (isFirst && left.goodbyes > 0 && proxy.link && !proxy.cut) {
      const underWay = world.requests.filter((status) => 'by' in status && status.by === at).length;
      const { saysGoodbye, inherits, mayStore } = this.#rules.registry;
      if (saysGoodbye(underWay + proxy.young.length)) {
        const next = { ...this.#replaced(world, at), left: { ...left, goodbyes: left.goodbyes - 1 } };
        const label = `${name} says goodbye${proxy.link === 'former' ? ' to the former control' : ''}, another starts`;
        const heard = mayStore(world[proxy.link]!.term, world.term)
          ? unregistered(next, at, proxy.link, inherits(proxy.fresh))
          : withoutFormer(next);
        steps.push({ label, next: heard, hope: true });
      }
    }
    if (left.kills > 0) {
      const next = { ...this.#replaced(world, at), left: { ...left, kills: left.kills - 1 } };
      steps.push({ label: `${name} is killed, another starts`, next, hope: true });
    }
    return steps;
  }

  /** A process ends wherever it is; the next one knows nothing of its writes. */
  #replaced(world: World, at: number): World {
    const requests = world.requests.map((status): Status => {
      if (!('by' in status) || status.by !== at) return status;
      if (status.is === 'sent') return { is: 'lost', to: status.to };
      return { is: 'unanswered', effect: status.is === 'done' && status.effect };
    });
    return { ...world, requests, proxies: world.proxies.with(at, NEW_PROXY) };
  }

  /** Registers a proxy, and sends it what the others have been sent. */
  #join(world: World, seat: Seat, at: number, name: string): Step {
    const control = world[seat]!;
    const label = `${name} joins ${seat === 'former' ? 'the former control' : 'control'}`;
    const joined = { ...world.proxies[at]!, ...UNLINKED, link: seat, inbox: control.published };
    const next: World = { ...world, proxies: world.proxies.with(at, joined) };
    // A new process is registered again, though its name is known: another control may have taken that off.
    if (control.knows[at] && joined.snapshot) return { label, next };
    if (!this.#rules.registry.mayStore(control.term, world.term))
      return { label: `${label}, which may not store that, and stops`, next: withoutFormer(world) };
    const knows = control.knows.with(at, true);
    return { label, next: { ...next, [seat]: { ...control, knows }, registered: world.registered.with(at, true) } };
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
    if (!control || !proxies.every(({ link, cut }, at) => link || cut || !control.knows[at])) return undefined;
    const { forgets } = this.#rules.registry;
    const forgotten = control.knows.map((known, at) => known && (!forgets || proxies[at]!.link === 'control'));
    const same = String(forgotten) === String(control.knows);
    const { young, waits, behind, parted } = control;
    if (!young && !waits && !behind && !parted && same && !proxies.some(({ fresh, young }) => fresh || young.length))
      return undefined;
    const lost = world.requests.filter(({ is }) => is === 'lost').length;
    if (lost && left.late < lost) return undefined;
    return {
      label: 'writeFate passes',
      next: {
        ...world,
        control: { ...control, ...{ young: false, waits: false, behind: false, parted: false }, knows: forgotten },
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

  #refuses(world: World, side: Side, user: string): boolean {
    return this.#fence && !this.#rules.letsWrite(world, side, user);
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
    const inFlight = world.requests.flatMap((status, place) =>
      (status.is === 'sent' || status.is === 'done') && status.by === at && isMoved(place, status.to) ? [place] : [],
    );
    const unknown = proxy.young.filter((place) => isMoved(place, moving.from));
    const usersOf = (places: readonly number[]) => [...new Set(places.map((place) => this.#requests[place]!.user))];
    return [
      {
        ...{ capability: CAPABILITY, epoch: moving.epoch },
        ...{ inFlight: inFlight.length, inFlightOf: usersOf(inFlight) },
        ...{ unknownFor: proxy.fresh || unknown.length ? LONG : 0, unknownOf: proxy.fresh ? [] : usersOf(unknown) },
      },
    ];
  }

  #write(place: number, side: Side): Write {
    const { user } = this.#requests[place]!;
    return { capability: CAPABILITY, user, bucket: bucket(user), side };
  }
}

const sayRequest = ({ user, does, purchase, added }: Request, place: number): string =>
  `“${user} ${does}s ${added ? `item ${added} of ` : ''}${purchase} (${markOf(place)})”`;

const GONE = { proxy: 'one that has gone', acked: 0, flights: [] };
const REFUSED: Status = { is: 'unanswered', effect: false };

/** A process that has just started. */
export const NEW_PROXY: ProxyProcess = {
  ...{ snapshot: null, inbox: null, link: null, cut: false, told: null, current: false, fresh: true, young: [] },
};

/** What a proxy is to a control whose stream to it has ended. */
export const UNLINKED = { link: null, current: false, inbox: null, told: null };

const SEATS = ['control', 'former'] as const;

/** A proxy without a link takes whom it finds; one that has the former control’s may lose that, and find the other. */
function mayJoin(world: World, seat: Seat, { link, cut }: ProxyProcess): boolean {
  const control = world[seat];
  if (!control || cut || control.program?.does === 'take-over') return false;
  return link === null || (link === 'former' && seat === 'control');
}

/** A proxy is taken off the list; `parted`: control still waits for writes that may arrive. */
function unregistered(world: World, at: number, seat: Seat, parted: boolean): World {
  const control = world[seat]!;
  const knows = control.knows.with(at, false);
  const registered = world.registered.with(at, false);
  return { ...world, registered, [seat]: { ...control, knows, parted: control.parted || parted } };
}

/** The former control sees that it has been overtaken, and stops. */
export const withoutFormer = (world: World): World => ({
  ...world,
  former: null,
  proxies: world.proxies.map((one) => (one.link === 'former' ? { ...one, ...UNLINKED } : one)),
});

/** Within one term the newest is sent last, and a stream keeps the order: versions are all alike here. */
const asSnapshot = (picture: Picture): Snapshot => ({
  ...{ term: picture.term, version: 1, capabilities: { [CAPABILITY]: picture } },
});

function sayPicture({ boundary, pins, moving }: CapabilitySnapshot): string {
  const named = Object.entries(pins).map(([user, side]) => `, ${user} is on the ${side}`);
  const { lo, hi, user } = moving?.subject ?? {};
  return `the service owns ${boundary / 100} %${named.join('')}${moving ? `, ${user ?? `${lo}–${hi}`} moves` : ''}`;
}
