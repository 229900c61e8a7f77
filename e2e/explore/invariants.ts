import type { HandoffRow, StateRow } from '@strangler/ledger';
import { type Side, sideOf, subjectHolds } from '@strangler/plan';
import { isUrgent } from '../../control/handoff-state.ts';
import { type CapabilityState, fromRow } from '../../control/state.ts';
import type { Proxies } from './proxies.ts';
import { bucket, givenName, markOf, type Request, receiverOf, USERS } from './shop.ts';
import type { Stored } from './statement.ts';
import { DIRECTIONS, endsOf, handoffsOn, type Scenario, SIDES, type Step, type World } from './world.ts';

/** What must hold. Each gives a sentence about what does not; undefined if all is well. */
export type Checks = {
  /** Of every step. */
  step(before: World, step: Step): string | undefined;
  /** Of every world. */
  world(world: World): string | undefined;
  /** Of a world in which nothing can happen any more. */
  end(world: World): string | undefined;
  /** True if both logs have been read to their end. */
  settled(world: World): boolean;
};

/** The invariants of docs/how-it-works.md#why-it-is-correct, as far as a scenario promises them. */
export function checksOf(scenario: Scenario, proxies: Proxies): Checks {
  const { requests, late = false, fence = false } = scenario;
  const settled = (world: World) =>
    world.serviceIs !== 'gone' &&
    DIRECTIONS.every((direction) => {
      const { log, first } = world[endsOf(direction).source];
      return world[direction].some(({ next }) => next === first + log.length);
    });
  return {
    settled,
    step: (before, step) => epochsFall(before, step.next) ?? passesBarrier(before, step),
    world(world) {
      if (!late) {
        // Behind a fence a proxy may send to the wrong side: nothing comes of it.
        const doubt = (fence ? undefined : twoWriters(world, requests, proxies)) ?? quarantined(world);
        if (doubt) return doubt;
        const lost = lostOn(world, scenario, (user) => ownerOf(world, user));
        if (lost) return `a read at the owner: ${lost}`;
      }
      if (world.serviceIs === 'gone') return lostOn(world, scenario, () => 'monolith', 'monolith');
      if (!settled(world)) return undefined;
      return differ(world) ?? lostOn(world, scenario, (user) => ownerOf(world, user)) ?? doubled(world);
    },
    end(world) {
      const waiting = world.requests.findIndex(({ is }) => is === 'held' || is === 'sent' || is === 'done');
      if (waiting >= 0) return `request ${markOf(waiting)} waits for ever`;
      if (!settled(world) && world.serviceIs === 'up') return 'a stream waits for ever';
      const { control, former } = world;
      if (former) return 'a control whose lease is over never stops';
      if (!control || control.program || control.state.phase !== 'idle') return 'control waits for ever';
      if (world.heard < scenario.wants.length) return 'the operator is not heard';
      const { boundary, target, desired, pins } = control.state;
      const gated = (openQuarantine(world) > 0 || control.state.lostAt !== null) && target > boundary;
      if (control.state.unproven.length) return 'what force has done is never settled';
      const lost = proxies.lost(world, 'control');
      if (lost.length && world.proxies.every(({ cut }) => !cut)) return `control misses ${lost}, and nobody is away`;
      const waits = lost.length > 0 && !isUrgent(control.state);
      const bucketSide = (user: string) => sideOf({ boundary, pins: {} }, user, bucket(user));
      const named = Object.entries(desired).find(([user, want]) =>
        want === 'bucket' ? (pins[user] ?? bucketSide(user)) !== bucketSide(user) : pins[user] !== want,
      );
      if (named && !waits && !gated) return `${named[0]} is not where they are wanted: ${named[1]}`;
      return boundary === target || gated || waits
        ? undefined
        : `users stay at ${boundary / 100} % instead of ${target / 100} %`;
    },
  };
}

const states = new WeakMap<Stored, CapabilityState>();

/** Control's stored state. */
function storedState(world: World): CapabilityState {
  const row = world.monolith.tables.strangler_state![0]!;
  const state = states.get(row) ?? fromRow(row as StateRow);
  states.set(row, state);
  return state;
}

const ownerOf = (world: World, user: string): Side => sideOf(storedState(world), user, bucket(user));

const table = (world: World, side: Side, name: string): readonly Stored[] => world[side].tables[name] ?? [];

/** Epochs only grow: in the state, and no log knows one the state does not. And each ends in one way. */
function epochsFall(before: World, after: World): string | undefined {
  if (before.monolith.tables === after.monolith.tables && before.service.tables === after.service.tables)
    return undefined;
  const [was, is] = [storedState(before).epoch, storedState(after).epoch];
  if (is < was) return `the epoch fell from ${was} to ${is}`;
  const rows = SIDES.flatMap((side) => handoffsOn(after, side).map((row) => ({ ...row, side })));
  for (const { epoch, side, kind } of rows) {
    if (epoch > is) return `the ${side}’s log knows epoch ${epoch}, control knows ${is}`;
    const granted = kind === 'cancel' && rows.some((row) => row.epoch === epoch && row.kind === 'grant');
    if (granted) return `handoff ${epoch} is cancelled on the ${side} and granted on the other side`;
  }
  return undefined;
}

/** A stream does not go past a row of a user who is behind a barrier whose outcome is open. */
function passesBarrier(before: World, { applied }: Step): string | undefined {
  if (!applied) return undefined;
  const { direction, works, ahead } = applied;
  const { source, target } = endsOf(direction);
  const [given, taken] = [handoffsOn(before, source), handoffsOn(before, target)];
  const isAhead = (barrier: HandoffRow) =>
    ahead.some(({ rows }) =>
      rows.some(
        ({ table, after }) =>
          table === 'strangler_handoff' && after?.kind === 'barrier' && after.epoch === barrier.epoch,
      ),
    );
  const open = given.filter(
    (row) =>
      row.kind === 'barrier' &&
      !isAhead(row) &&
      !taken.some(({ kind, epoch }) => kind === 'grant' && epoch >= row.epoch) &&
      !given.some(({ kind, epoch }) => kind !== 'barrier' && epoch >= row.epoch),
  );
  for (const work of works) {
    if (work.kind !== 'changes') continue;
    for (const { before: was, after: is } of work.changes) {
      const user = (is ?? was)!.user_id;
      const isNamed = given.some(({ subject }) => subject.user === user);
      const barrier = user && open.find(({ subject }) => subjectHolds(subject, user, bucket(user), isNamed));
      if (barrier)
        return `${direction} went past barrier ${barrier.epoch} with a row of ${user}, its outcome not known`;
    }
  }
  return undefined;
}

/** In orderly handoffs a user's writes are under way to one side only. */
function twoWriters(world: World, requests: readonly Request[], proxies: Proxies): string | undefined {
  for (const user of USERS) {
    const sides = new Set<Side>();
    for (const proxy of world.proxies) {
      const to = proxies.destination(proxy, user);
      if (to === 'monolith' || to === 'service') sides.add(to);
    }
    for (const [place, status] of world.requests.entries())
      if (requests[place]!.user === user && (status.is === 'sent' || status.is === 'lost')) sides.add(status.to);
    if (sides.size > 1) return `writes of ${user} are under way to both sides`;
  }
  return undefined;
}

const kept = (world: World): readonly Stored[] => SIDES.flatMap((side) => table(world, side, 'strangler_quarantine'));
const openQuarantine = (world: World): number => kept(world).filter(({ status }) => status === 'open').length;

/** In orderly handoffs nothing is kept in quarantine. */
function quarantined(world: World): string | undefined {
  const [row] = kept(world);
  return row && `${row.table_name} ${row.row_key} is in quarantine: ${row.cause}`;
}

/** With both logs read to their end, both sides hold the same rows. */
function differ(world: World): string | undefined {
  for (const name of ['orders', 'items', 'replies']) {
    const [monolith, service] = SIDES.map((side) => JSON.stringify(table(world, side, name)));
    if (monolith !== service) return `${name} differ: ${monolith} in the monolith, ${service} in the service`;
  }
  return undefined;
}

/** Every acknowledged write is found, or was undone by a later one, or is in quarantine. */
function lostOn(world: World, scenario: Scenario, sideFor: (user: string) => Side, by?: Side): string | undefined {
  const { requests } = scenario;
  for (const [place, status] of world.requests.entries()) {
    if (status.is !== 'acknowledged' || !status.effect || (by && status.on !== by)) continue;
    const request = requests[place]!;
    const { user, purchase, does } = request;
    const given = does === 'give';
    const [holder, called] = given
      ? [receiverOf(user), givenName(request)]
      : [does === 'draft' ? null : user, purchase];
    const side = holder === null ? 'monolith' : sideFor(holder);
    const mark = markOf(place);
    const orders = table(world, side, 'orders').filter((row) => row.user_id === holder && row.purchase === called);
    const items = table(world, side, 'items').filter(({ order_id }) => orders.some(({ id }) => id === order_id));
    const replied = table(world, side, 'replies').some(({ text }) => String(text).includes(mark));
    const undone = (by: Request['does']) =>
      requests.some((other, at) => {
        const { is } = world.requests[at]!;
        if (other.does !== by || other.user !== holder || other.purchase !== called) return false;
        if (by === 'drop' && other.added !== mark) return false;
        return is === 'done' || is === 'acknowledged' || is === 'unanswered';
      });
    const gone = () => undone('cancel') || undone('give');
    const inQuarantine = () =>
      kept(world).some(({ status, after_image, before_image }) => {
        if (status === 'kept') return false; // it was applied, and another row has taken its place
        const [after, before] = [String(after_image ?? ''), String(before_image ?? '')];
        if (does === 'cancel' || does === 'drop') return after === '';
        return marked(after, mark) || marked(before, mark);
      });
    const present = {
      buy: () => orders.length > 0 || gone(),
      note: () => orders.some(({ notes }) => String(notes).includes(mark)) || gone(),
      draft: () => orders.length > 0 || requests.some((one) => one.does === 'claim' && one.purchase === purchase),
      claim: () => orders.some(({ notes }) => String(notes).includes(mark)) || gone(),
      give: () => orders.some(({ notes }) => String(notes).includes(mark)) || gone(),
      cancel: () => orders.length === 0 || requests.some((one) => one.does === 'buy' && one.purchase === purchase),
      add: () => items.some(({ sku }) => sku === mark) || undone('drop') || gone(),
      drop: () => !items.some(({ sku }) => sku === request.added),
      answer: () => replied || repliesKept(world) > 0 || wentWithItsOrder(world, scenario, place),
      edit: () => replied || repliesKept(world) > 0 || wentWithItsOrder(world, scenario, place),
    };
    if (!present[does]() && !inQuarantine()) return `the acknowledged write ${mark} of ${user} is not on the ${side}`;
  }
  return undefined;
}

const repliesKept = (world: World): number => kept(world).filter(({ table_name }) => table_name === 'replies').length;

/** True if a reply went with its order as an application had it: on its owner’s side, or somebody has moved since. */
function wentWithItsOrder(world: World, { requests, wants }: Scenario, place: number): boolean {
  const { user, purchase, past } = requests[place]!;
  const sideOfReply = past ? ownerOf(world, user) : sideDone(world.requests[place]!);
  return requests.some((other, at) => {
    if (other.does !== 'cancel' || other.user !== receiverOf(user) || other.purchase !== purchase) return false;
    const status = world.requests[at]!;
    const side = sideDone(status);
    return wants.length > 0
      ? side !== undefined || status.is === 'unanswered'
      : side !== undefined && side === sideOfReply;
  });
}

const sideDone = (status: World['requests'][number]): Side | undefined => {
  if (status.is === 'done') return status.to;
  return status.is === 'acknowledged' ? status.on : undefined;
};

/** True if a kept image is of a write with this mark. */
function marked(image: string, mark: string): boolean {
  if (!image) return false;
  const row = JSON.parse(image) as Record<string, string | null>;
  return (row.notes ?? row.sku ?? '').includes(mark);
}

/** No purchase twice, no mark twice, no item and no reply without its order. */
function doubled(world: World): string | undefined {
  for (const side of SIDES) {
    const orders = table(world, side, 'orders');
    const purchases = orders.map(({ user_id, purchase }) => `${user_id}’s ${purchase}`);
    const twice = purchases.find((one, at) => purchases.indexOf(one) !== at);
    if (twice) return `${twice} is there twice on the ${side}`;
    for (const { notes } of orders) {
      const marks = [...String(notes)];
      if (new Set(marks).size !== marks.length) return `a write was applied twice on the ${side}: ${notes}`;
    }
    for (const item of table(world, side, 'items'))
      if (!orders.some(({ id }) => id === item.order_id)) return `item ${item.id} has no order on the ${side}`;
    for (const reply of table(world, side, 'replies'))
      if (!orders.some(({ id }) => id === reply.order_id)) return `reply ${reply.id} has no order on the ${side}`;
  }
  return undefined;
}
