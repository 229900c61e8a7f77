import type { Capability, Verdict } from '@strangler/plan';
import type { Evidence } from './evidence.ts';
import { chanceOfSoFew, share } from './sequential.ts';
import type { Outage, SideTally } from './tallies.ts';

/** What the judge holds a service to: the Plan’s guard of the capability. */
export type Thresholds = Pick<Capability['guard'], 'errors' | 'hardFailures' | 'minimumRequests'>;

/** Evidence from which the service is clearly worse; see sequential.ts for how often that is wrong. */
const CLEAR = 1;
/** The same (an e-value) from the time alone in which the service is bad enough. */
const CLEAR_NOW = 20;
/** Evidence (an e-value) from which the monolith is known to be below the limit. */
const KNOWN = 1_000;
/** The probability below which it is no chance that only the service fails. */
const UNLIKELY = 1 / 10_000;
/** The same of users who fail. */
const UNLIKELY_OF_USERS = 1 / 10_000;
/** Share of failures from which some in a row are nothing new. */
const USUAL = 0.005;
/** How long the service must have been failing, ms: who cannot talk to it at all need not wait, other errors may be a moment’s. */
const LASTING = { hard: 0, errors: 12_000 };
/** Fewer requests to the monolith than this say little, so one that fails cannot hide an outage. */
const FEW = 5;
/**
 * A service that has failed at least so much for so long, ms, is dead: a monolith that is as good as silent is waited for no
 * longer, and errors that are usual hide it no more if it failed at so many moments.
 */
const DEAD = 0.9;
const DEAD_FOR_MS = 30_000;
const MANY_MOMENTS = 20;
/** Nobody goes on for what is older than this, ms. */
const RECENT_MS = 60_000;

type Found = Verdict & { readonly alert?: true };

const percent = (fraction: number): string => `${(fraction * 100).toFixed(2)} %`;
/** Why fewer requests count than were sent. */
const LEFT_OUT = ' (4xx, the user who fails most, and what one sends far more than others do not)';
const say = ({ requests, errors }: SideTally): string => `${errors} of ${requests} requests failed`;

/** The verdict on the present step. `alert`: both sides are bad alike, or may be, and a person should look. */
export function judge(evidence: Evidence, thresholds: Thresholds): Found {
  const found =
    outage(evidence, 'hard', thresholds) ??
    outage(evidence, 'errors', thresholds) ??
    tooManyErrors(evidence, thresholds);
  if (found) return found.verdict === 'fail' ? ofMany(evidence, found) : found;
  const { service } = evidence.others;
  if (!(service.requests >= thresholds.minimumRequests)) {
    const reason = `${service.requests} requests to the service count in ten minutes, fewer than ${thresholds.minimumRequests}${LEFT_OUT}`;
    return { verdict: 'unsure', rule: 'few-requests', reason };
  }
  if (!(evidence.silentFor <= RECENT_MS)) {
    const reason = `no answer of the service has counted for ${Math.floor(evidence.silentFor / 1_000)} s${LEFT_OUT}`;
    return { verdict: 'unsure', rule: 'few-requests', reason };
  }
  const doubt = doubtful(evidence, thresholds);
  if (doubt) return doubt;
  return {
    verdict: 'pass',
    rule: 'errors',
    reason: `${say(service)}, at most ${percent(thresholds.errors)}${LEFT_OUT}`,
  };
}

/** What few users meet is no reason for a rollback: they may all be trying the same broken request. */
function ofMany({ broadness: { users, needed } }: Evidence, found: Found): Found {
  if (users >= needed) return found;
  const who = users === 1 ? 'one user' : `${users} users`;
  const reason = `${found.reason}; but the newest failures are of ${who}, and everybody is taken back for ${needed} or more: look at what they do; strangler rollback takes everybody back`;
  return { verdict: 'unsure', rule: 'few-users', reason, alert: true };
}

/** True if the monolith has had next to no requests meanwhile: then it says nothing. */
const isSilent = ({ monolith }: Outage): boolean => monolith.requests < FEW;

/** True if next to nothing has come back from the service for a while, asked at so many moments. */
const isDead = ({ lasting, moments, service }: Outage, atLeast: number): boolean =>
  lasting >= DEAD_FOR_MS && moments >= atLeast && service.failures >= DEAD * service.requests;

/** True if most of what the monolith was asked has failed, too: of a few requests all, and more than one. */
const failsToo = (outage: Outage): boolean => {
  const { requests, failures } = outage.monolith;
  return isSilent(outage) ? failures > 1 && failures === requests : failures * 2 > requests;
};

/**
 * Most of what is sent to the service fails: no statistics of errors needed, unless the monolith fails too, or may. So it
 * is of all requests, and so it is without the user who fails most; what that one alone meets is decided by their share.
 */
function outage({ outages, alone }: Evidence, way: 'hard' | 'errors', thresholds: Thresholds): Found | undefined {
  const found = outages.others[way];
  const { service, monolith, lasting, usual } = found;
  const { hardFailures } = thresholds;
  if (!(outages.all[way].service.failures >= hardFailures) || !(service.failures * 2 >= hardFailures)) return undefined;
  if (lasting < LASTING[way]) return undefined;
  const failed = way === 'hard' ? 'failed hard' : 'failed';
  const reason = `${service.failures} of the last ${service.requests} requests to the service ${failed}`;
  if (failsToo(found)) {
    const both = `${reason}, but so did ${monolith.failures} of ${monolith.requests} to the monolith`;
    return { verdict: 'unsure', rule: 'both-sides', reason: both, alert: true };
  }
  const isNew = usual < USUAL && monolith.failures < hardFailures;
  if (!isNew && !isDead(found, MANY_MOMENTS)) return undefined; // their share decides
  const fails = isSilent(found)
    ? (alone && way === 'hard') || isDead(found, hardFailures)
    : chanceOfSoFew(found) < UNLIKELY;
  return fails ? { verdict: 'fail', rule: way === 'hard' ? 'hard-failures' : 'outage', reason } : undefined;
}

/** The share of errors against the monolith’s own; against the Plan’s limit where it is known to keep that, or nobody is on it. */
function tooManyErrors(evidence: Evidence, { errors, minimumRequests }: Thresholds): Found | undefined {
  const { all, others, lately, requests } = evidence;
  if (!(requests >= minimumRequests) || !(lately > errors)) return undefined;
  const reason = `service: ${say(all.service)} in ten minutes, ${percent(lately)} lately; monolith: ${say(all.monolith)}`;
  // A service that was a little worse all day is not blamed for what both sides suffer now.
  const isWorse = evidence.worse >= CLEAR && evidence.worseNow >= CLEAR_NOW;
  if (isWorse && meetsMoreUsers(evidence)) return { verdict: 'fail', rule: 'errors', reason };
  if (!(evidence.above >= CLEAR)) return undefined;
  const known = evidence.monolithBelow >= KNOWN;
  const { monolith } = others;
  const isBad = monolith.requests >= minimumRequests && share(all.monolith) > errors;
  if ((evidence.alone || known) && !isBad) return { verdict: 'fail', rule: 'errors-alone', reason };
  if (share(monolith) > errors) return { verdict: 'unsure', rule: 'both-sides', reason, alert: true };
  return {
    verdict: 'unsure',
    rule: 'monolith-unknown',
    reason: `${reason}, of which it is not known that it keeps the limit`,
    alert: true,
  };
}

/**
 * True if it is no chance that more of the service’s users fail than of the monolith’s: who always fails is one user,
 * wherever they are, however often they try.
 */
function meetsMoreUsers({ users }: Evidence): boolean {
  const { service } = users;
  if (service.failures * 2 >= service.requests) return true;
  return chanceOfSoFew(users) < UNLIKELY_OF_USERS;
}

/** What is not bad enough for a rollback and not good enough to go on. */
function doubtful({ all, others, lately, worse }: Evidence, { errors }: Thresholds): Found | undefined {
  const reason = `service: ${say(all.service)}, ${percent(lately)} lately; monolith: ${say(all.monolith)}`;
  if (worse >= CLEAR) return { verdict: 'unsure', rule: 'worse-within-limit', reason };
  if (share(others.service) <= errors && lately <= errors) return undefined; // what is no number goes on
  if (share(others.service) > errors && share(others.monolith) > errors)
    return { verdict: 'unsure', rule: 'both-sides', reason, alert: true };
  return { verdict: 'unsure', rule: 'not-clear', reason };
}
