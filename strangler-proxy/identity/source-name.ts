import type { UserSource } from '@strangler/plan';

/** A source as people would call it. */
export function sourceName(source: UserSource): string {
  const name = withoutLookup(source);
  if (!('lookup' in source) || !source.lookup) return name;
  const { table, match, take } = source.lookup;
  return `${table}.${take} of the row whose ${match} is the ${name}`;
}

function withoutLookup(source: UserSource): string {
  if ('header' in source) return `header ${source.header}`;
  if ('cookie' in source) return `${source.signed === undefined ? '' : 'signed '}cookie ${source.cookie}`;
  if ('path' in source) return `path :${source.path}`;
  if ('constant' in source) return 'constant';
  if ('row' in source) return `user of the row of ${source.row} whose ${source.by} is :${source.from}`;
  if ('ask' in source) return `answer of ${source.ask}`;
  if ('session' in source)
    return `${[source.session.claim].flat().join('.')} of the session in cookie ${source.session.cookie}`;
  const { claim, header, cookie, query, scheme = 'Bearer' } = source.jwt;
  const places = [
    header && `header ${header}`,
    cookie && `cookie ${cookie}`,
    query && `query parameter ${query}`,
    `Authorization: ${scheme}`,
  ];
  return `claim ${[claim].flat().join('.')} of the token in ${places.find(Boolean)}`;
}
