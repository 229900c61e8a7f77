import type { Capability } from './capability-schema.ts';
import { routeMistake } from './field-types.ts';
import { lookupTables } from './lookups.ts';
import { parseRoute } from './routes.ts';
import type { UserSource } from './user-schema.ts';

type Path = readonly (string | number)[];
type Mistake = { readonly path: Path; readonly message: string };
/** A database of the Plan, as far as sources look users up in it. */
export type LookupDatabase = { readonly lookup?: string | undefined };

/** What is wrong with where requests name their user, though every field is right by itself. `trusting`: of some hops. */
export function* mistakesOfUsers(
  monolith: LookupDatabase | undefined,
  name: string,
  capability: Capability,
  trusting: boolean,
): Generator<Mistake> {
  const { user = [], service, tables } = capability;
  const at = ['capabilities', name];
  for (const [nth, source] of user.entries()) {
    const sides = new Set(lookupTables(source, tables).map(({ side }) => side));
    if (sides.has('monolith')) yield* readerMissing(monolith, ['monolith', 'database'], name);
    if (sides.has('service')) yield* readerMissing(service.database, [...at, 'service', 'database'], name);
    yield* parameterMissing([...at, 'user', nth], source, capability.routes);
    if ('row' in source && !Object.hasOwn(tables, source.row))
      yield { path: [...at, 'user', nth, 'row'], message: `names ${source.row}, which is no table of ${name}` };
    else if ('row' in source && tables[source.row]!.shared)
      yield {
        path: [...at, 'user', nth, 'row'],
        message: `names ${source.row}, whose rows are everybody’s: it leads to no user`,
      };
    if ('header' in source) yield* headerTaken([...at, 'user', nth, 'header'], source.header, trusting);
  }
}

function* readerMissing(database: LookupDatabase | undefined, path: Path, name: string): Generator<Mistake> {
  if (database?.lookup !== undefined) return;
  const because = `is needed, because proxies look up there whose the requests of ${name} are`;
  yield { path: database ? [...path, 'lookup'] : path, message: because };
}

/** Headers that belong to one connection, or that a proxy believes of trusted hops alone. */
const OF_CONNECTIONS = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings)$/i;
const OF_HOPS = /^(forwarded|x-real-ip|x-forwarded-.*|x-strangler-.*)$/i;

function* headerTaken(path: Path, header: string, trusting: boolean): Generator<Mistake> {
  if (OF_CONNECTIONS.test(header))
    yield { path, message: 'is of one connection, and no proxy passes it on: it can name no user' };
  else if (OF_HOPS.test(header) && !trusting)
    yield {
      path,
      message: `is taken from every request that does not come from a hop in proxy.trustedHops: name there who sets ${header}`,
    };
}

/** A user in the path must be in the path of every route; a row’s key in that of one, because others may create rows. */
function* parameterMissing(at: Path, source: UserSource, routes: readonly string[]): Generator<Mistake> {
  const patterns = routes.filter((route) => !routeMistake(route));
  const lacks = (name: string) => (route: string) => !parseRoute(route).segments.includes(`:${name}`);
  if ('path' in source && !source.path.startsWith(':')) {
    const lacking = patterns.find(lacks(source.path));
    if (lacking !== undefined)
      yield { path: [...at, 'path'], message: `:${source.path} is no parameter of ${lacking}` };
  }
  if ('row' in source && patterns.length && !source.from.startsWith(':') && patterns.every(lacks(source.from)))
    yield { path: [...at, 'from'], message: `:${source.from} is no parameter of any route` };
}
