import { type CapabilityStatus, type Status, sayDuration } from '@strangler/plan';
import { bar } from './bar.ts';
import type { Paint, Tone } from './paint.ts';
import { sayBoundary } from './percent.ts';
import { type Cell, renderTable } from './table.ts';
import { inert, wrap } from './text.ts';
import {
  type Said,
  sayBackfill,
  sayCorrections,
  sayFlag,
  sayFor,
  sayMoving,
  sayQuarantine,
  sayRamp,
  sayRampShort,
  sayStream,
  saySurveyed,
  sayVerified,
  sayWithoutUser,
  VERDICT_TONES,
} from './words.ts';

/** How it is shown: columns of the terminal, colours, and the time in ms since 1970. */
export type View = { readonly width: number; readonly paint: Paint; readonly now: number };

const LABEL = 14;

/** The whole picture, line by line: a table of all capabilities, then each of them with its reasons. */
export function renderStatus(status: Status, view: View): string[] {
  return [
    ...head(status, view),
    '',
    ...overview(status.capabilities, view),
    ...status.capabilities.flatMap((one) => ['', ...details(one, view)]),
  ];
}

function head({ plan, control, proxies }: Status, { width, paint, now }: View): string[] {
  const state = control.active ? `active for ${sayFor(control.since, now)}` : 'standby: another control is active';
  const gone = proxies.filter(({ connected }) => !connected);
  const connected = proxies.length - gone.length;
  const proxy =
    connected === 0 ? 'no proxy is connected' : `${connected} ${connected === 1 ? 'proxy' : 'proxies'} connected`;
  const lost = gone.length
    ? `, lost: ${gone.map((one) => `${one.proxy} (for ${sayDuration(one.lostFor ?? 0)})`).join(', ')}`
    : '';
  const tone: Tone | undefined = lost ? 'bad' : connected ? undefined : 'care';
  return [
    `${paint('title', inert(plan))}  control ${state}`,
    ...wrap(inert(proxy + lost), width).map((line) => (tone ? paint(tone, line) : line)),
  ];
}

function overview(capabilities: readonly CapabilityStatus[], { width, paint }: View): string[] {
  const columns = [
    { title: 'CAPABILITY' },
    { title: 'ON SERVICE', right: true },
    { title: 'FLAG', right: true },
    { title: 'RAMP' },
    { title: 'JUDGE' },
    { title: 'GATES' },
  ] as const;
  const rows = capabilities.map((one): Cell[] => [
    { text: inert(one.capability), tone: 'title' },
    { text: sayBoundary(one.boundary) },
    sayFlag(one.flag),
    sayRampShort(one.ramp),
    { text: one.verdict.verdict, tone: VERDICT_TONES[one.verdict.verdict] },
    one.gates.length ? { text: `${one.gates.length} closed`, tone: 'care' } : { text: 'open', tone: 'good' },
  ]);
  return renderTable(columns, rows, width, paint);
}

function details(one: CapabilityStatus, view: View): string[] {
  const { width, paint, now } = view;
  const lines: string[] = [paint('title', inert(one.capability))];
  let labelled = '';
  const say = (label: string, { text, tone }: Said): void => {
    wrap(inert(text), Math.max(20, width - LABEL)).forEach((line, at) => {
      const shown = tone ? paint(tone, line) : line;
      lines.push(paint('quiet', (at || label === labelled ? '' : `  ${label}`).padEnd(LABEL)) + shown);
    });
    labelled = label;
  };
  const pins = one.pins ? `, and ${one.pins} ${one.pins === 1 ? 'user' : 'users'} pinned by name` : '';
  say('users', { text: `${bar(one.boundary, 24)} ${sayBoundary(one.boundary)} on the service${pins}` });
  if (one.behind) {
    const who = one.behind === 1 ? '1 user' : `${one.behind} users`;
    const text = `${who} left behind while a write of theirs is under way; they follow later`;
    say('users', { text });
  }
  if (one.flagProblem) say('flag', { text: `not followed: ${one.flagProblem}`, tone: 'care' });
  const withoutUser = sayWithoutUser(one.withoutUser);
  if (withoutUser) say('no user', withoutUser);
  const moving = sayMoving(one);
  if (moving) say('moving', moving);
  say('ramp', sayRamp(one.ramp, now));
  say('judge', { text: `${one.verdict.verdict}: ${one.verdict.reason}`, tone: VERDICT_TONES[one.verdict.verdict] });
  if (one.gates.length) for (const gate of one.gates) say('gates', { text: `closed: ${gate}`, tone: 'care' });
  else say('gates', { text: 'open: nothing keeps users from moving on', tone: 'good' });
  for (const stream of one.streams) say('sync', sayStream(stream));
  const backfill = sayBackfill(one.backfill);
  if (backfill) say('backfill', backfill);
  if (one.streams.length || one.quarantine.open || one.quarantine.settled)
    say('quarantine', sayQuarantine(one.quarantine));
  const corrections = sayCorrections(one.corrections);
  if (corrections) say('kept', corrections);
  if (one.streams.length || one.verified) say('verified', sayVerified(one.verified, now));
  if (one.surveyed) say('surveyed', saySurveyed(one.surveyed, now));
  return lines;
}
