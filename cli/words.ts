import type { CapabilityStatus, IdentityCounts, RampState, StreamStatus, Surveyed, WithoutUser } from '@strangler/plan';
import { sayDuration, withoutUserIn } from '@strangler/plan';
import type { Tone } from './paint.ts';
import { sayBoundary, sayPercent } from './percent.ts';

/** A sentence and what it means. */
export type Said = { readonly text: string; readonly tone?: Tone };

/** `34 s`, `12 min`, `3 h`, `2 days`: how long an ISO time is past at `now` (ms since 1970). */
export function sayFor(since: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1_000));
  if (Number.isNaN(seconds)) return 'an unknown time';
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const stepsOf = (steps: readonly number[], step: number): string =>
  steps.map((one, at) => (at === step ? `[${Number(one)}]` : `${Number(one)}`)).join(' → ');

/** Which requests had no user; undefined if all of them had one. */
export function sayWithoutUser({ reads, writes, why }: WithoutUser): Said | undefined {
  const say = (counts: IdentityCounts, what: string) => `${withoutUserIn(counts)} of ${counts.requests} ${what}`;
  if (!withoutUserIn(reads) && !withoutUserIn(writes)) return undefined;
  const newest = why === undefined ? '' : `; the newest that could not be read: ${why}`;
  const text = `${say(writes, 'writes')} and ${say(reads, 'reads')} of ten minutes named no user that can be read${newest}`;
  return { text, tone: withoutUserIn(writes) ? 'care' : 'quiet' };
}

/** What the ramp does, in a word or two. */
export function sayRampShort(ramp: RampState): Said {
  switch (ramp.state) {
    case 'ramping':
      return { text: `ramping ${ramp.step + 1}/${ramp.steps.length}`, tone: 'good' };
    case 'paused':
      return { text: `paused ${ramp.step + 1}/${ramp.steps.length}`, tone: 'care' };
    case 'rolling-back':
      return { text: ramp.urgent ? 'rolling back now' : 'rolling back', tone: 'bad' };
    case 'rolled-back':
      return { text: 'rolled back', tone: 'bad' };
    case 'complete':
      return { text: 'complete', tone: 'good' };
    case 'idle':
      return { text: 'idle', tone: 'quiet' };
  }
}

/** What the ramp does and why. */
export function sayRamp(ramp: RampState, now: number): Said {
  const { text, tone } = sayRampShort(ramp);
  const said = (more: string): Said => ({ text: more, ...(tone ? { tone } : {}) });
  switch (ramp.state) {
    case 'ramping':
      return said(
        `step ${ramp.step + 1} of ${ramp.steps.length}: ${stepsOf(ramp.steps, ramp.step)} %, for ${sayFor(ramp.since, now)}`,
      );
    case 'paused':
      return said(
        `paused at step ${ramp.step + 1} of ${ramp.steps.length}: ${stepsOf(ramp.steps, ramp.step)} %: ${ramp.reason}`,
      );
    case 'rolling-back':
    case 'rolled-back':
      return said(`${text}: ${ramp.reason}`);
    case 'complete':
      return said('complete: every step was passed');
    case 'idle':
      return said('idle: nobody moves by itself');
  }
}

/** Where users are being moved, undefined when nobody moves. */
export function sayMoving({ moving, phase, boundary, target }: CapabilityStatus): Said | undefined {
  const aim = target === boundary ? '' : `, on the way to ${sayBoundary(target)}`;
  if (!moving) return aim ? { text: `waiting${aim}`, tone: 'care' } : undefined;
  const { lo, hi, user } = moving.subject;
  const who = user === undefined ? `users between ${sayBoundary(lo)} and ${sayBoundary(hi)}` : `user ${user}`;
  const writes = phase === 'holding' ? 'their writes are held' : 'their writes are being released';
  return { text: `${who} to the ${moving.to}${aim} (${writes})`, tone: 'care' };
}

const STREAM_TONES = { running: 'good', stopped: 'bad', unknown: 'bad' } as const;

/** One direction of the sync, as people see it: whose database is fed, and how far it is behind. */
export function sayStream({ direction, state, reason, lag }: StreamStatus): Said {
  const into = direction === 'forward' ? 'to service' : 'to monolith';
  const behind =
    state === 'running' || state === 'waiting' ? (lag === null ? ', lag unknown' : `, ${sayDuration(lag)} behind`) : '';
  const tone =
    lag === null && state === 'running' ? 'care' : (STREAM_TONES[state as keyof typeof STREAM_TONES] ?? 'care');
  return { text: `${into} ${state}${behind}${reason ? ` (${reason})` : ''}`, tone };
}

/** How far the copy of existing rows has come, undefined if there is nothing to copy. */
export function sayBackfill(tables: CapabilityStatus['backfill']): Said | undefined {
  if (!tables.length) return undefined;
  const open = tables.filter(({ finished }) => !finished);
  const rows = tables.reduce((sum, { done }) => sum + done, 0);
  if (!open.length) return { text: `copied, ${rows} rows`, tone: 'good' };
  const each = open.map(
    ({ table, done, total }) =>
      `${table} ${done} of ${total}${total ? ` (${Math.floor((done / total) * 100)} %)` : ''}`,
  );
  return { text: each.join(', '), tone: 'care' };
}

/** Rows kept aside. */
export function sayQuarantine({ open, settled }: CapabilityStatus['quarantine']): Said {
  const rows = (count: number) => `${count} ${count === 1 ? 'row' : 'rows'}`;
  if (open)
    return { text: `${rows(open)} open: a person must decide${settled ? `, ${settled} settled` : ''}`, tone: 'bad' };
  return settled ? { text: `none open, ${settled} settled` } : { text: 'empty', tone: 'good' };
}

/** What the sync has overwritten, superseded or applied late, undefined if nothing was. */
export function sayCorrections(counts: CapabilityStatus['corrections']): Said | undefined {
  const causes = [...Map.groupBy(counts, ({ cause }) => cause)].map(([cause, some]) => {
    const sum = (of: 'rows' | 'unexpected') => some.reduce((total, one) => total + one[of], 0);
    return { cause, rows: sum('rows'), unexpected: sum('unexpected') };
  });
  const known = causes.filter(({ rows, cause }) => rows && !/^(late-write|rogue-write|.*inapplicable)$/.test(cause));
  if (!known.length && !causes.some(({ unexpected }) => unexpected)) return undefined;
  const shown = causes.filter((one) => known.includes(one) || one.unexpected);
  const each = shown.map(
    ({ cause, rows, unexpected }) => `${cause} ${rows}${unexpected ? ` (${unexpected} unexpected)` : ''}`,
  );
  return { text: each.join(', '), ...(causes.some(({ unexpected }) => unexpected) && { tone: 'bad' as const }) };
}

/** What the last comparison of both databases found. */
export function sayVerified(verified: CapabilityStatus['verified'], now: number): Said {
  if (!verified) return { text: 'never', tone: 'care' };
  const found = verified.mismatches
    ? `${verified.mismatches} mismatches in ${verified.rows} rows`
    : `${verified.rows} rows agree`;
  return { text: `${found}, ${sayFor(verified.at, now)} ago`, tone: verified.mismatches ? 'bad' : 'good' };
}

/** What the last survey found. */
export function saySurveyed({ changes, unexplained, at }: Surveyed, now: number): Said {
  const found = unexplained ? `${unexplained} of ${changes} changes unexplained` : `${changes} changes explained`;
  return { text: `${found}, ${sayFor(at, now)} ago`, tone: unexplained ? 'care' : 'good' };
}

/** The flag beside the boundary it asks for. */
export const sayFlag = (flag: number | null): Said =>
  flag === null ? { text: 'unreadable', tone: 'bad' } : { text: sayPercent(flag) };

export const VERDICT_TONES = { pass: 'good', fail: 'bad', unsure: 'care' } as const;
