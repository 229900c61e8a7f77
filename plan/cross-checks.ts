import type { Capability } from './capability-schema.ts';
import { routeMistake } from './field-types.ts';
import { covers, parseRoute } from './routes.ts';
import { type LookupDatabase, mistakesOfUsers } from './user-checks.ts';
import { mistakesOfWays } from './way-checks.ts';
import { columnsOfWay, waysOf } from './ways.ts';

/** What several fields of a Plan are to each other. */
type Whole = {
  readonly monolith: { readonly url?: string | undefined; readonly database?: LookupDatabase | undefined };
  readonly kafka?: unknown;
  readonly proxy: { readonly trustedHops: readonly unknown[] };
  readonly control: { readonly tokens: Readonly<Record<string, string | undefined>> };
  readonly capabilities: Readonly<Record<string, Capability>>;
};

/** A mistake, and where it is. */
type Mistake = { readonly path: readonly (string | number)[]; readonly message: string };

/** The mistakes that no field has by itself: something is needed by another field, or said twice. */
export function* mistakesAcross(plan: Whole): Generator<Mistake> {
  for (const [name, capability] of Object.entries(plan.capabilities)) {
    yield* neededBy(plan, name, capability);
    yield* namesTwice(name, capability);
    yield* sharedByKey(name, capability);
  }
  yield* routesTaken(plan);
  yield* tablesTaken(plan);
  yield* tokensTwice(plan);
}

function* neededBy({ monolith, kafka, proxy }: Whole, name: string, capability: Capability): Generator<Mistake> {
  const { routes, tables, service, user, anonymous } = capability;
  const at = ['capabilities', name];
  const hasTables = Object.keys(tables).length > 0;
  if (!routes.length && !hasTables) yield { path: at, message: 'needs routes, tables, or both' };
  if (routes.length) {
    const because = 'is needed, because there are routes';
    if (!service.url) yield { path: [...at, 'service', 'url'], message: because };
    if (!monolith.url) yield { path: ['monolith', 'url'], message: `is needed by the routes of ${name}` };
    if (!user) yield { path: [...at, 'user'], message: because };
    if (!anonymous) yield { path: [...at, 'anonymous'], message: `${because}: monolith or refuse` };
    yield* mistakesOfUsers(monolith.database, name, capability, proxy.trustedHops.length > 0);
  }
  if (hasTables) {
    const by = `is needed by the tables of ${name}`;
    if (!service.database)
      yield { path: [...at, 'service', 'database'], message: 'is needed, because there are tables' };
    if (!monolith.database) yield { path: ['monolith', 'database'], message: by };
    if (!kafka) yield { path: ['kafka'], message: by };
  }
  for (const [table, { user: owner, unowned, shared }] of Object.entries(tables)) {
    const path = [...at, 'tables', table];
    if (!owner && !shared && capability.split === 'users')
      yield {
        path: [...path, 'user'],
        message: 'is needed: the column that holds the user; or shared, if its rows are everybody’s',
      };
    if (owner && shared) yield { path: [...path, 'shared'], message: 'takes the place of user: say one of the two' };
    if (shared && unowned) yield { path: [...path, 'unowned'], message: 'says nothing here: nobody’s rows are shared' };
    yield* mistakesOfWays(name, table, tables);
  }
}

/** What is the same thing on both sides must be said, and who has its ids, or nobody could tell one side's from the other's. */
function* sharedByKey(name: string, { tables }: Capability): Generator<Mistake> {
  const isByKey = (table: string) => Object.hasOwn(tables, table) && tables[table]!.shared === 'by-key';
  for (const [table, { user, shared, key, refers, sameWhen }] of Object.entries(tables)) {
    const path = ['capabilities', name, 'tables', table];
    if (shared === 'by-key' && !key)
      yield { path: [...path, 'key'], message: 'is needed: the columns that say what is the same thing on both sides' };
    if (key && shared !== 'by-key') yield { path: [...path, 'key'], message: 'goes with shared: by-key only' };
    if (shared === 'by-key' && sameWhen)
      yield { path: [...path, 'sameWhen'], message: 'says nothing here: key says what is the same thing' };
    for (const [column, parent] of Object.entries(refers)) {
      const at = [...path, 'refers', column];
      if (!isByKey(parent))
        yield { path: at, message: `names ${parent}, which is no table of ${name} with shared: by-key` };
      else if (shared === 'by-key')
        yield {
          path: at,
          message: `is of a table that is shared by key itself, which cannot carry such ids: shared: monolith for ${table}, or keep them in another table`,
        };
      if (waysOf({ user }).flatMap(columnsOfWay).includes(column))
        yield { path: at, message: 'says whose a row is, and cannot be everybody’s as well' };
    }
  }
}

const firstTwice = (all: readonly string[]): string | undefined => all.find((one, at) => all.indexOf(one) < at);

function* namesTwice(name: string, { tables }: Capability): Generator<Mistake> {
  const path = ['capabilities', name, 'tables'];
  const table = firstTwice(Object.entries(tables).map(([name, { to = name }]) => to));
  if (table !== undefined) yield { path, message: `lead to ${table} of the service twice` };
  for (const [table, { columns }] of Object.entries(tables)) {
    const column = firstTwice(Object.values(columns));
    if (column !== undefined)
      yield { path: [...path, table, 'columns'], message: `lead to ${column} of the service twice` };
  }
}

function* routesTaken({ capabilities }: Whole): Generator<Mistake> {
  const routed = Object.entries(capabilities).flatMap(([name, { routes }]) =>
    routes.flatMap((route, at) => (routeMistake(route) ? [] : [{ name, at, route, parsed: parseRoute(route) }])),
  );
  for (const [index, { name, at, parsed }] of routed.entries()) {
    const first = routed.slice(0, index).find((other) => other.name !== name && covers(other.parsed, parsed));
    if (first)
      yield {
        path: ['capabilities', name, 'routes', at],
        message: `is taken by ${first.route} of ${first.name} already`,
      };
  }
}

function* tablesTaken({ capabilities }: Whole): Generator<Mistake> {
  const owners = new Map<string, string>();
  for (const [name, { tables }] of Object.entries(capabilities)) {
    for (const table of Object.keys(tables)) {
      const other = owners.get(table);
      if (other) yield { path: ['capabilities', name, 'tables', table], message: `belongs to ${other} already` };
      owners.set(table, name);
    }
  }
}

function* tokensTwice({ control }: Whole): Generator<Mistake> {
  const roles = Object.entries(control.tokens);
  for (const [index, [role, token]] of roles.entries()) {
    const same = roles.slice(0, index).find(([, other]) => other === token);
    if (!same) continue;
    const message =
      `is the token of ${same[0]} too, so whoever has it has both roles: write another one here, such as ` +
      `openssl rand -hex 16 prints, and give it to those who use the role ${role}`;
    yield { path: ['control', 'tokens', role], message };
  }
}
