import type { Owner } from '@strangler/plan';
import type { Explanation } from '@strangler/proxy';
import type { View } from './status-view.ts';
import { inert, wrap } from './text.ts';

const LABEL = 12;

type Identity = NonNullable<Explanation['of']>['identity'];

const sayIdentity = (identity: Identity): string => {
  if ('user' in identity) return `user ${identity.user}`;
  return identity.lack === 'absent' ? 'nothing' : `${identity.lack}: ${identity.why}`;
};

/** What the Plan makes of a request; `owner`: what control says of its user, or why it does not. */
export function renderRoute(
  { of }: Explanation,
  owner: Owner | string | undefined,
  { width, paint }: Omit<View, 'now'>,
): string[] {
  if (!of) return wrap('It takes no route of the Plan: it is the monolith’s, whoever’s it is.', width);
  const lines: string[] = [];
  const say = (label: string, text: string, tone?: 'care'): void => {
    wrap(inert(text), Math.max(20, width - LABEL)).forEach((line, at) => {
      lines.push(paint('quiet', (at ? '' : label).padEnd(LABEL)) + (tone ? paint(tone, line) : line));
    });
  };
  const parameters = Object.entries(of.parameters).map(([name, value]) => `:${name} is ${value}`);
  say('capability', `${of.capability}, by ${of.route}${parameters.length ? `; ${parameters.join(', ')}` : ''}`);
  say('kind', of.isWrite ? 'write' : 'read');
  const { identity, splits } = of;
  for (const [at, { source, says }] of splits ? of.sources.entries() : []) {
    say(at ? '' : 'says', `${source}: ${sayIdentity(says)}`);
  }
  if ('user' in identity) {
    const bucket = `bucket ${of.bucket} of group ${of.group}: from ${(of.bucket! + 1) / 100} % on`;
    say(
      'user',
      splits ? `${identity.user}, ${bucket}` : 'everybody’s: the Plan says split: none, so it is all on one side',
    );
    const moving = splits ? 'this user is being moved just now' : 'it is being moved just now';
    if (typeof owner === 'string') say('side', `not known: ${owner}`, 'care');
    else if (owner) say('side', `${owner.side}${owner.moving ? `, and ${moving}` : ''}`);
  } else {
    say('user', `none: ${identity.why}`, 'care');
    say('side', sideWithout(of), 'care');
  }
  say('at service', of.servicePath);
  return lines;
}

/** Where a request without a user goes. */
function sideWithout({ identity, isWrite, anonymous }: NonNullable<Explanation['of']>): string {
  if ('user' in identity) return '';
  const all = 'while everybody is on the monolith, the monolith';
  if (identity.lack === 'unknown') return `${all}; then it is answered 503 user-unknown`;
  if (identity.lack === 'unreadable' && isWrite) return `${all}; then it is answered 400 user-unreadable`;
  if (identity.lack === 'absent' && anonymous === 'refuse') return `${all}; then it is answered 401 user-missing`;
  return 'the monolith, whoever’s it is';
}
