import type { Capability, Verdict } from '@strangler/plan';
import type { Evidence, Sample, Tally } from './evidence.ts';
import { above, worseThan } from './sequential.ts';

/** What the judge holds a service to: the Plan’s guard of the capability. */
export type Thresholds = Pick<Capability['guard'], 'errors' | 'hardFailures' | 'minimumRequests'>;

/** Evidence (an e-value) from which worse is clearly worse: wrong in one step of a thousand at most, however often one looks. */
export const CLEAR = 1_000;

/** Share of the requests below which the monolith’s traffic is too little to compare with. */
const ALONE = 0.05;

const share = ({ requests, errors }: Tally): number => (requests ? errors / requests : 0);
const percent = (fraction: number): string => `${(fraction * 100).toFixed(2)} %`;
const say = ({ requests, errors }: Tally): string => `${errors} of ${requests} requests failed`;

/** The verdict on the present step. `alert`: both sides are bad alike, and a person should look. */
export function judge(evidence: Evidence, thresholds: Thresholds): Verdict & { readonly alert?: true } {
  const hard = hardFailure(evidence.burst, thresholds);
  if (hard) return hard;
  const recently = errors(evidence.recent, thresholds);
  if (recently?.verdict === 'fail') return recently;
  const { service } = evidence.all;
  if (!(service.requests >= thresholds.minimumRequests)) {
    const reason = `${service.requests} requests to the service, fewer than ${thresholds.minimumRequests}`;
    return { verdict: 'unsure', rule: 'few-requests', reason };
  }
  const worst = errors(evidence.all, thresholds) ?? recently;
  if (worst) return worst;
  return { verdict: 'pass', rule: 'errors', reason: `${say(service)}, at most ${percent(thresholds.errors)}` };
}

/** The service cannot be talked to: no statistics needed, unless the monolith cannot be talked to either. */
function hardFailure({ service, monolith }: Sample, { hardFailures }: Thresholds) {
  if (service.hard < hardFailures || service.hard * 2 <= service.requests) return undefined;
  const reason = `${service.hard} of the last ${service.requests} requests to the service failed hard`;
  if (monolith.requests && monolith.hard * 2 > monolith.requests) {
    const both = `${reason}, but so did ${monolith.hard} of ${monolith.requests} to the monolith`;
    return { verdict: 'unsure', rule: 'both-sides', reason: both, alert: true } as const;
  }
  return { verdict: 'fail', rule: 'hard-failures', reason } as const;
}

/** The share of errors against the monolith’s own; where it has too few requests, against the Plan’s limit. */
function errors({ service, monolith }: Sample, thresholds: Thresholds): (Verdict & { alert?: true }) | undefined {
  if (!(service.requests >= thresholds.minimumRequests)) return undefined;
  const reason = `service: ${say(service)}; monolith: ${say(monolith)}`;
  const over = share(service) > thresholds.errors;
  const tooLittle = monolith.requests < ALONE * (monolith.requests + service.requests);
  if (tooLittle && monolith.requests < thresholds.minimumRequests) {
    if (!over) return undefined;
    if (share(monolith) > thresholds.errors) return { verdict: 'unsure', rule: 'both-sides', reason, alert: true };
    if (above(service, thresholds.errors) >= CLEAR) return { verdict: 'fail', rule: 'errors-alone', reason };
    return { verdict: 'unsure', rule: 'not-clear', reason };
  }
  const clear = worseThan(service, monolith) >= CLEAR;
  if (over && clear) return { verdict: 'fail', rule: 'errors', reason };
  if (clear) return { verdict: 'unsure', rule: 'worse-within-limit', reason };
  if (!over) return undefined;
  if (share(monolith) > thresholds.errors) return { verdict: 'unsure', rule: 'both-sides', reason, alert: true };
  return { verdict: 'unsure', rule: 'not-clear', reason };
}
