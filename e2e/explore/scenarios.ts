import type { Request } from './shop.ts';
import type { Scenario } from './world.ts';

const note = (user: Request['user'] = 'ada', purchase = 'x'): Request => ({ user, does: 'note', purchase });
const buy = (purchase = 'p', user: Request['user'] = 'ada'): Request => ({ user, does: 'buy', purchase });
const cancel = (purchase = 'x', user: Request['user'] = 'ada'): Request => ({ user, does: 'cancel', purchase });
const add: Request = { user: 'ada', does: 'add', purchase: 'x' };
const drop = (added: string): Request => ({ user: 'ada', does: 'drop', purchase: 'x', added });
const give = (user: Request['user'] = 'ada', purchase = 'x'): Request => ({ user, does: 'give', purchase });
const draft: Request = { user: 'ada', does: 'draft', purchase: 'p' };
const claim: Request = { user: 'ada', does: 'claim', purchase: 'p' };
const reply = (user: Request['user'] = 'bob', purchase = 'x'): Request => ({ user, does: 'answer', purchase });
const edit: Request = { user: 'bob', does: 'edit', purchase: 'x' };
const byJob = (request: Request): Request => ({ ...request, past: 'monolith' });
/** One write through the proxy that is cut off, one through the other. */
const oneEach: readonly Request[] = [
  { ...note(), through: 0 },
  { ...note(), through: 1 },
];
const again = (request: Request, retries: number): Request => ({ ...request, retries });

/** 50 % takes ada along and leaves bob; 100 % takes both. */
const [ADA, BOTH] = [5_000, 10_000];
const forward = [{ target: ADA }];
const thereAndBack = [{ target: ADA }, { target: 0 }];
const back = [{ target: 0 }];
const urgentBack = [{ target: 0, urgent: true }];
const backAndForth = [{ target: 0, urgent: true }, { target: ADA }];

/** Handoffs in which no write turns up where its user no longer is: no row is ever in doubt. */
export const ORDERLY: readonly Scenario[] = [
  { name: 'forward', requests: [note(), buy()], wants: forward, troubles: { cancels: 1 } },
  { name: 'there and back', requests: [note(), note()], wants: thereAndBack },
  {
    ...{ name: 'two users, one moves', requests: [note(), note('bob')], wants: forward },
    ...{ batches: true, troubles: { cancels: 1 } },
  },
  { name: 'two users, both move', requests: [note(), cancel('x', 'bob')], wants: [{ target: BOTH }, { target: ADA }] },
  // What splits no users (`split: none`): rows of many, who are always on one side together.
  {
    ...{ name: 'all of it moves at once, there and back', requests: [note(), note('bob')] },
    wants: [{ target: BOTH }, { target: 0 }],
  },
  { name: 'an order and its items', requests: [add, drop('a'), cancel()], wants: thereAndBack },
  { name: 'bought, changed, cancelled', requests: [buy(), note('ada', 'p'), cancel('p')], wants: thereAndBack },
  { name: 'two proxies', requests: [note(), note()], wants: forward, proxies: 2 },
  { name: 'control dies anywhere', requests: [note(), note()], wants: forward, troubles: { crashes: 1 } },
  {
    name: 'control dies on the way back',
    moved: ADA,
    requests: [note(), note()],
    wants: back,
    troubles: { crashes: 1 },
  },
  { name: 'a statement of control fails', requests: [note()], wants: thereAndBack, troubles: { errors: 1 } },
  { name: 'two statements fail on the way back', moved: ADA, requests: [note()], wants: back, troubles: { errors: 2 } },
  { name: 'a statement of control arrives late', requests: [note()], wants: thereAndBack, troubles: { floats: 1 } },
  {
    ...{ name: 'an applier dies anywhere', requests: [note(), add], wants: thereAndBack },
    ...{ gaps: true, troubles: { restarts: 1 } },
  },
  { name: 'two appliers at once', requests: [note(), cancel()], wants: forward, appliers: 2 },
  { name: 'a proxy dies', requests: [note(), note()], wants: forward, troubles: { kills: 1 } },
  {
    ...{ name: 'a proxy dies while it holds', requests: [note()], wants: forward },
    ...{ troubles: { kills: 1, cancels: 1 } },
  },
  { name: 'an answer is lost', requests: [buy(), again(buy(), 0)], wants: thereAndBack, troubles: { losses: 1 } },
];

/** Writes that turn up where their user no longer is. */
export const LATE: readonly Scenario[] = [
  {
    ...{ name: 'a lost change arrives late', late: true, requests: [note()], wants: thereAndBack },
    troubles: { losses: 1, late: 1 },
  },
  {
    ...{ name: 'a purchase is clicked again', late: true, requests: [buy(), again(buy(), 0)], wants: thereAndBack },
    troubles: { losses: 1, late: 1 },
  },
  {
    ...{ name: 'a lost cancellation arrives late', late: true, requests: [cancel()], wants: thereAndBack },
    troubles: { losses: 1, late: 1 },
  },
  { name: 'a job writes past the proxy', late: true, requests: [byJob(note()), note(), note()], wants: thereAndBack },
  { name: 'a job cancels past the proxy', late: true, requests: [byJob(cancel()), note(), add], wants: thereAndBack },
  { name: 'a job buys past the proxy', late: true, requests: [byJob(buy()), buy()], wants: thereAndBack },
  {
    ...{ name: 'an urgent rollback', late: true, moved: ADA, wants: urgentBack },
    requests: [note(), note(), note()],
  },
  {
    ...{ name: 'all of it comes back at once', late: true, moved: BOTH, wants: urgentBack },
    requests: [note(), note('bob'), note()],
  },
  {
    ...{ name: 'an urgent rollback, with items', late: true, moved: ADA, wants: urgentBack },
    requests: [add, cancel(), note()],
  },
  {
    ...{ name: 'an urgent rollback, and forward again', late: true, moved: ADA, wants: backAndForth },
    requests: [note(), note()],
  },
];

/** Rows that go from one user to another, who need not be on the same side. */
export const GIVEN: readonly Scenario[] = [
  { name: 'given on one side', requests: [give(), note('bob', 'x of ada')], wants: [{ target: BOTH }] },
  {
    ...{ name: 'given to a user of the other side', late: true, moved: ADA },
    ...{ requests: [note(), give(), note('bob', 'x of ada')], wants: [] },
  },
  {
    ...{ name: 'given by a job past the proxy', late: true, moved: ADA },
    ...{ requests: [note(), byJob(give()), note('bob', 'x of ada')], wants: [] },
  },
  {
    ...{ name: 'given by a job, and its user moves back', late: true, moved: ADA },
    ...{ requests: [byJob(note()), byJob(give())], wants: back },
  },
  {
    ...{ name: 'given, and both users move', late: true, moved: 0 },
    ...{ requests: [give(), note('bob', 'x of ada')], wants: [{ target: ADA }, { target: 0, urgent: true }] },
  },
  {
    ...{ name: 'nobody’s at first, and its user moves', late: true },
    ...{ requests: [byJob(draft), byJob(claim), note('ada', 'p')], wants: [{ target: ADA }] },
  },
  {
    ...{ name: 'nobody’s at first, made by a service', late: true, moved: ADA },
    ...{ requests: [draft, claim, note('ada', 'p')], wants: back },
  },
  {
    ...{ name: 'nobody’s at first, and claimed on both sides', late: true, moved: ADA },
    ...{ requests: [draft, byJob({ ...claim, user: 'bob' }), claim], wants: [] },
  },
  {
    ...{ name: 'given with items, by a job', late: true, moved: ADA },
    ...{ requests: [add, byJob(give()), note('bob', 'x of ada')], wants: [] },
  },
];

/** Replies to orders of another user, who need not be on the same side, and who takes the order away. */
export const CROSSED: readonly Scenario[] = [
  {
    ...{ name: 'a reply is born while its order goes', late: true, moved: ADA, batches: true },
    ...{ requests: [cancel(), reply()], wants: [] },
  },
  {
    ...{ name: 'a reply is changed while its order goes', late: true, moved: ADA, batches: true },
    ...{ requests: [reply(), edit, cancel()], wants: [] },
  },
  {
    ...{ name: 'a reply is born, its order goes, and its author moves', late: true, moved: ADA },
    ...{ requests: [cancel(), reply()], wants: [{ target: BOTH }] },
  },
  {
    ...{ name: 'a reply is born, its order goes, and that one’s owner moves', late: true, moved: ADA },
    ...{ requests: [cancel(), reply()], wants: back },
  },
  {
    ...{ name: 'a reply is born while a job takes its order', late: true, moved: BOTH },
    ...{ requests: [byJob(cancel()), note(), reply()], wants: [] },
  },
  {
    ...{ name: 'a job replies while the order goes', late: true, moved: BOTH },
    ...{ requests: [cancel(), byJob(reply())], wants: [] },
  },
  {
    ...{ name: 'a reply is born while its order goes late', late: true, moved: ADA, wants: urgentBack },
    requests: [cancel(), reply()],
  },
  {
    ...{ name: 'a reply is born while its order goes, and everybody moves back at once', late: true, moved: BOTH },
    ...{ requests: [cancel(), reply()], wants: urgentBack },
  },
  {
    ...{ name: 'a reply is born on the service while its order goes', late: true, batches: true },
    ...{ requests: [cancel(), reply()], wants: [{ pin: 'bob', to: 'service' }] },
  },
  {
    ...{ name: 'an order is born, and a reply to it', late: true, moved: ADA },
    ...{ requests: [buy(), reply('bob', 'p'), cancel('p')], wants: [] },
  },
];

/** Rollbacks that go by force, because the service's database or the stream from it does not answer in time. */
export const FORCED: readonly Scenario[] = (
  [
    { name: 'forced, the applier behind', requests: [note(), note()], troubles: { cancels: 1 } },
    { name: 'forced, the service away', requests: [note(), note()], troubles: { outages: 1 } },
    { name: 'forced, then forward again', requests: [note()], wants: backAndForth, troubles: { cancels: 1 } },
    { name: 'forced, and control dies anywhere', requests: [note()], troubles: { cancels: 1, crashes: 1 } },
    { name: 'forced, the service away, control dies', requests: [note()], troubles: { outages: 1, crashes: 1 } },
    {
      ...{ name: 'forced out of a move forward', moved: 0, requests: [note()] },
      ...{ wants: [{ target: ADA }, ...urgentBack], troubles: { outages: 1 } },
    },
    { name: 'forced between look and commit', requests: [note()], gaps: true, troubles: { cancels: 1 } },
    {
      ...{ name: 'forced, a purchase clicked again', requests: [buy(), again(buy(), 0)] },
      troubles: { cancels: 1, losses: 1 },
    },
    { name: 'forced, with items', requests: [add, cancel()], troubles: { cancels: 1 } },
    { name: 'the service gone for good', requests: [note(), note()], troubles: { disasters: 1 } },
  ] satisfies Partial<Scenario>[]
).map((scenario) => ({ late: true, moved: ADA, wants: urgentBack, ...scenario }));

const lateBack = { late: true, moved: ADA, wants: urgentBack };
const CUT = { cuts: 1, heals: 1 };

/** A proxy that lives, and that control cannot reach. */
export const PARTITIONED: readonly Scenario[] = [
  { name: 'cut off: forward', requests: [note()], wants: forward, proxies: 2, troubles: CUT },
  { name: 'cut off: back', moved: ADA, requests: [note()], wants: back, proxies: 2, troubles: CUT },
  {
    ...{ name: 'cut off: the only proxy, a handoff given up', requests: [note()], wants: forward },
    troubles: { ...CUT, cancels: 1 },
  },
  { name: 'cut off: control dies', requests: [note()], wants: forward, troubles: { ...CUT, crashes: 1 } },
  {
    ...{ name: 'cut off, and killed', requests: [note()], wants: forward },
    troubles: { cuts: 1, kills: 1 },
  },
  {
    ...{ name: 'a successor stops in order', requests: [note()], wants: forward },
    troubles: { kills: 1, goodbyes: 1 },
  },
  { name: 'cut off: an urgent rollback', requests: oneEach, ...lateBack, proxies: 2, troubles: { cuts: 1 } },
  {
    ...{ name: 'cut off: urgent, and forward again', ...lateBack, wants: backAndForth, requests: [note()] },
    ...{ proxies: 2, troubles: CUT },
  },
  {
    ...{ name: 'cut off: dismissed, and alive', late: true, requests: oneEach, wants: forward, proxies: 2 },
    troubles: { cuts: 1, dismissals: 1 },
  },
];

/** With a fence at both databases nothing is late, whatever a proxy does that has lost control. */
export const FENCED: readonly Scenario[] = [
  {
    ...{ name: 'fence: an urgent rollback, a proxy cut off', fence: true, moved: ADA, wants: urgentBack },
    ...{ requests: oneEach, proxies: 2, troubles: { cuts: 1 } },
  },
  {
    ...{ name: 'fence: dismissed, and alive', fence: true, requests: oneEach, wants: forward },
    ...{ proxies: 2, troubles: { cuts: 1, dismissals: 1 } },
  },
  {
    ...{ name: 'fence: jobs and lost writes', fence: true, requests: [byJob(note()), note()], wants: thereAndBack },
    troubles: { losses: 1, late: 1 },
  },
];

/** Users who move by name. */
export const NAMED: readonly Scenario[] = [
  {
    ...{ name: 'pinned where they are, passed by a range', requests: [note(), note('bob')] },
    wants: [{ pin: 'ada', to: 'monolith' }, { target: BOTH }, { pin: 'ada', to: 'service' }],
  },
  {
    ...{ name: 'pinned, there and back', requests: [note(), note()] },
    wants: [{ pin: 'ada', to: 'service' }, { target: BOTH }, { target: 0 }],
  },
  {
    ...{
      name: 'named where they are, given up, never done',
      fence: true,
      moved: ADA,
      requests: [byJob(note()), note()],
    },
    ...{
      wants: [
        { pin: 'ada', to: 'service' },
        { pin: 'ada', to: 'bucket' },
      ],
      troubles: { cancels: 1 },
    },
  },
  {
    ...{ name: 'named, given up, and a job writes', late: true, moved: ADA, requests: [byJob(note()), note()] },
    ...{
      wants: [
        { pin: 'ada', to: 'service' },
        { pin: 'ada', to: 'bucket' },
      ],
      troubles: { cancels: 1 },
    },
  },
  {
    ...{ name: 'left behind: a write of unknown fate', requests: [note(), note()], wants: [{ target: BOTH }] },
    troubles: { losses: 1 },
  },
  {
    ...{ name: 'left behind, the service away, and an urgent rollback', late: true, requests: [note()] },
    ...{ wants: [{ target: BOTH }, ...urgentBack], troubles: { losses: 1, outages: 1 } },
  },
];

/** One control takes the lease of another that goes on, for as long as it likes. */
export const TWO_CONTROLS: readonly Scenario[] = [
  { name: 'two controls: forward', requests: [note()], wants: forward, troubles: { takeovers: 1, returns: 1 } },
  { name: 'two controls: back', moved: ADA, requests: [note()], wants: back, troubles: { takeovers: 1 } },
  { name: 'two controls: there and back', requests: [note()], wants: thereAndBack, troubles: { takeovers: 1 } },
  {
    ...{ name: 'two controls: a proxy is cut off', requests: [note()], wants: forward },
    troubles: { cuts: 1, takeovers: 1 },
  },
];

/** Too many worlds for each run of the tests: `npm run explore` visits them whole. */
export const WIDE: readonly Scenario[] = [
  {
    ...{ name: 'a reply is born while a job takes its order, and everybody moves back at once', late: true },
    ...{ moved: BOTH, requests: [byJob(cancel()), note(), reply()], wants: urgentBack },
  },
  {
    ...{ name: 'a lost change arrives late, after another', late: true, requests: [note(), note()] },
    ...{ wants: thereAndBack, troubles: { losses: 1, late: 1 } },
  },
  {
    ...{ name: 'a lost cancellation arrives late, and an item', late: true, requests: [cancel(), add] },
    ...{ wants: thereAndBack, troubles: { losses: 1, late: 1 } },
  },
  {
    ...{ name: 'one of two proxies dies while it holds', requests: [note()], wants: forward },
    ...{ proxies: 2, troubles: { kills: 1, cancels: 1 } },
  },
  {
    ...{ name: 'cut off: a rollback by force', requests: [note()], ...lateBack, proxies: 2 },
    troubles: { cuts: 1, cancels: 1 },
  },
  {
    ...{ name: 'two controls: a proxy says goodbye', requests: [note()], wants: forward },
    troubles: { takeovers: 1, goodbyes: 1 },
  },
  {
    ...{ name: 'two controls: a statement fails', requests: [note()], wants: back, moved: ADA },
    troubles: { takeovers: 1, errors: 1 },
  },
  { name: 'two controls: an urgent rollback', requests: [note()], ...lateBack, troubles: { takeovers: 1 } },
  {
    ...{ name: 'two controls: a rollback by force', requests: [note()], ...lateBack },
    troubles: { takeovers: 1, cancels: 1 },
  },
  {
    ...{ name: 'cut off: forward, two writes', requests: [note(), note()], wants: forward, proxies: 2 },
    troubles: { ...CUT, cancels: 1 },
  },
  {
    ...{ name: 'cut off: back, two writes', moved: ADA, requests: [note(), note()], wants: back, proxies: 2 },
    troubles: { ...CUT, cancels: 1 },
  },
  {
    ...{ name: 'cut off: urgent, and items', ...lateBack, requests: [add, cancel()], proxies: 2 },
    troubles: CUT,
  },
  {
    ...{ name: 'cut off: by force, one write each', ...lateBack, requests: oneEach, proxies: 2 },
    troubles: { ...CUT, cancels: 1 },
  },
  {
    ...{ name: 'cut off: dismissed, alive, and back', late: true, requests: oneEach, wants: thereAndBack, proxies: 2 },
    troubles: { ...CUT, dismissals: 1 },
  },
  {
    ...{ name: 'two controls: a proxy is new', requests: [note()], wants: forward, later: 1 },
    troubles: { takeovers: 1 },
  },
  {
    ...{ name: 'two controls, two proxies', requests: [note()], wants: forward, proxies: 2 },
    troubles: { takeovers: 1, returns: 1 },
  },
  {
    ...{ name: 'two controls, a proxy is cut off and found', requests: [note()], wants: thereAndBack },
    troubles: { ...CUT, takeovers: 1, returns: 1 },
  },
  {
    ...{ name: 'two controls, and the new one dies', requests: [note()], wants: forward },
    troubles: { takeovers: 1, crashes: 1, returns: 1 },
  },
  {
    ...{ name: 'two controls: by force, one proxy cut off', ...lateBack, requests: [note()] },
    troubles: { takeovers: 1, cuts: 1, cancels: 1 },
  },
  {
    ...{ name: 'a flip arrives late, and a write', late: true, moved: ADA, requests: [note(), note()], wants: back },
    troubles: { floats: 1, losses: 1, late: 1 },
  },
  {
    ...{ name: 'left behind: a write under way', requests: [note(), note('bob')], wants: [{ target: BOTH }] },
    troubles: { cancels: 1 },
  },
  {
    ...{ name: 'left behind: on the way back', moved: BOTH, requests: [note(), note()], wants: back },
    troubles: { losses: 1 },
  },
  {
    ...{ name: 'fence: statements arrive late', fence: true, moved: ADA, requests: [note()], wants: back },
    troubles: { floats: 1, losses: 1, late: 1 },
  },
  {
    ...{ name: 'fence: given up, lost, late', fence: true, requests: [byJob(note()), note()], wants: thereAndBack },
    troubles: { losses: 1, late: 1, cancels: 1 },
  },
  { name: 'a proxy dies, there and back', requests: [note(), note()], wants: thereAndBack, troubles: { kills: 1 } },
  {
    ...{ name: 'cut off: killed, or stopped in order', requests: [note()], wants: forward },
    troubles: { cuts: 1, kills: 1, goodbyes: 1 },
  },
  { name: 'cut off and found: an urgent rollback', requests: oneEach, ...lateBack, proxies: 2, troubles: CUT },
  {
    ...{ name: 'left behind, and an urgent rollback', late: true, requests: [note(), note()] },
    ...{ wants: [{ target: BOTH }, ...urgentBack], troubles: { losses: 1, late: 1 } },
  },
  {
    ...{ name: 'left behind, and a proxy is cut off', requests: [note(), note('bob')], wants: [{ target: BOTH }] },
    troubles: { ...CUT, losses: 1 },
  },
];

const EVERYTHING = {
  cancels: 2,
  crashes: 2,
  floats: 1,
  errors: 1,
  kills: 1,
  restarts: 2,
  losses: 2,
  late: 2,
  outages: 1,
  ...{ cuts: 2, heals: 2, goodbyes: 1, dismissals: 1, takeovers: 2, returns: 2 },
};
const BUSY = [buy(), again(buy(), 0), note('ada', 'p'), add, note(), cancel(), note('bob'), cancel('x', 'bob')];

/** Too many worlds to visit all: for walks at random. */
export const LARGE: readonly Scenario[] = [
  {
    ...{
      name: 'everything, in order',
      requests: [buy(), note('ada', 'p'), add, note('bob'), cancel('p'), buy('q', 'bob')],
    },
    ...{ wants: [{ target: ADA }, { target: BOTH }, { target: ADA }, { target: 0 }], proxies: 2, batches: true },
    gaps: true,
    troubles: {
      ...{ cancels: 3, crashes: 3, floats: 2, errors: 2, kills: 2, restarts: 3, losses: 1 },
      ...{ cuts: 2, heals: 2, goodbyes: 1, takeovers: 2, returns: 2 },
    },
  },
  {
    ...{ name: 'everything, with writes that come late', late: true, requests: BUSY, proxies: 2, batches: true },
    ...{ wants: [{ target: ADA }, { target: BOTH }, { target: 0 }, { target: ADA }], gaps: true, troubles: EVERYTHING },
  },
  {
    ...{ name: 'everything, by force', late: true, moved: BOTH, requests: BUSY, proxies: 2, batches: true, gaps: true },
    ...{ wants: [{ target: 0, urgent: true }, { target: ADA }, { target: 0, urgent: true }], troubles: EVERYTHING },
  },
  {
    ...{ name: 'jobs and rollbacks', late: true, moved: BOTH, proxies: 2, batches: true, gaps: true },
    requests: [byJob(note()), byJob(cancel('x', 'bob')), byJob(buy()), buy(), note(), note('bob'), add, drop('g')],
    ...{ wants: [{ target: 0, urgent: true }, { target: BOTH }, { target: 0 }], troubles: EVERYTHING },
  },
  {
    ...{ name: 'given away, claimed, and rollbacks', late: true, moved: BOTH, proxies: 2, batches: true, gaps: true },
    requests: [
      add,
      give(),
      byJob(give('bob')),
      draft,
      byJob({ ...claim, user: 'bob' }),
      claim,
      note('bob', 'x of ada'),
    ],
    ...{ wants: [{ target: 0, urgent: true }, { target: BOTH }, { target: ADA }], troubles: EVERYTHING },
  },
  {
    ...{ name: 'gone for good', late: true, moved: BOTH, requests: BUSY, proxies: 2, batches: true, gaps: true },
    ...{ wants: [{ target: 0, urgent: true }], troubles: { ...EVERYTHING, outages: 0, disasters: 1 } },
  },
];
