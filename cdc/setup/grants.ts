import { CAPTURED, CONTROL, PRIVATE } from '@strangler/ledger';
import { lookupTables, type Plan, type Side } from '@strangler/plan';
import { type Address, parseAddress, syncedCapabilities } from '../names.ts';

/** Everything one database user needs, and how to create it if it is missing. */
export type UserGrants = {
  /** Which database: `monolith`, or the capability whose service it is. */
  readonly where: string;
  readonly role: 'control' | 'applier' | 'capture' | 'lookup' | 'application';
  readonly user: string;
  /** Undefined for the application’s own user, whom we do not make. */
  readonly create: string | undefined;
  readonly grants: readonly string[];
};

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const mysqlText = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
const mysqlName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
const name = (one: string): string => `"${one.replaceAll('"', '""')}"`;

/** The least each user of the Plan's addresses needs; users that are also the admin are left out. */
export function grantsOf(plan: Plan): UserGrants[] {
  const all: UserGrants[] = [];
  const { database } = plan.monolith;
  if (database) {
    const admin = parseAddress(database.admin);
    for (const role of ROLES) {
      const address = parseAddress(database[role]);
      if (address.user !== admin.user) all.push(mysqlGrants(plan, role, address));
    }
    const looked = tablesLookedUp(plan, 'monolith', Object.keys(plan.capabilities));
    if (database.lookup !== undefined && looked.length) {
      const address = parseAddress(database.lookup);
      if (address.user !== admin.user) all.push(mysqlLookup(address, looked));
    }
    if (database.application !== undefined) {
      const [user, host = '%'] = database.application.split(/@(?=[^@]*$)/) as [string, string?];
      const account = `${mysqlText(user)}@${mysqlText(host)}`;
      const grants = FENCE.map((table) => `GRANT SELECT ON ${mysqlName(admin.database)}.${table} TO ${account}`);
      all.push({ where: 'monolith', role: 'application', user, create: undefined, grants });
    }
  }
  for (const capability of syncedCapabilities(plan)) {
    const addresses = plan.capabilities[capability]!.service.database!;
    const admin = parseAddress(addresses.admin);
    for (const role of ROLES) {
      const address = parseAddress(addresses[role]);
      if (address.user !== admin.user) all.push(postgresGrants(plan, capability, role, address));
    }
    const looked = tablesLookedUp(plan, 'service', [capability]);
    if (addresses.lookup !== undefined && looked.length) {
      const address = parseAddress(addresses.lookup);
      if (address.user !== admin.user) all.push(postgresLookup(capability, address, looked));
    }
    const { application: user } = addresses;
    if (user !== undefined) {
      const to = `TO ${name(user)}`;
      // Postgres locks a row for nobody who may not change a column of it; needed above READ COMMITTED only.
      const grants = [
        `GRANT USAGE ON SCHEMA public ${to}`,
        `GRANT SELECT ON ${FENCE.map((table) => `public.${table}`).join(', ')} ${to}`,
        `GRANT UPDATE (part) ON public.strangler_fence ${to}`,
      ];
      all.push({ where: capability, role: 'application', user, create: undefined, grants });
    }
  }
  return all;
}

const ROLES = ['control', 'applier', 'capture'] as const;
type Role = (typeof ROLES)[number];
/** What an application with a fence reads. */
const FENCE = ['strangler_handoff', 'strangler_fence'] as const;

/** Where proxies find out whose requests are; every capability’s look into the monolith’s database. */
function tablesLookedUp(plan: Plan, side: Side, capabilities: readonly string[]): string[] {
  const all = capabilities.flatMap((name) => {
    const { user = [], tables } = plan.capabilities[name]!;
    return user.flatMap((source) => lookupTables(source, tables));
  });
  return [...new Set(all.filter((one) => one.side === side).map(({ table }) => table))];
}

function mysqlLookup({ user, password, database }: Address, tables: readonly string[]): UserGrants {
  const account = `${mysqlText(user)}@'%'`;
  const grants = tables.map((table) => `GRANT SELECT ON ${mysqlName(database)}.${mysqlName(table)} TO ${account}`);
  const create = `CREATE USER ${account} IDENTIFIED BY ${mysqlText(password)}`;
  return { where: 'monolith', role: 'lookup', user, create, grants };
}

function postgresLookup(where: string, { user, password, database }: Address, tables: readonly string[]): UserGrants {
  const account = name(user);
  const grants = [
    ...reachOf(database, account),
    `GRANT SELECT ON ${tables.map((table) => `public.${name(table)}`).join(', ')} TO ${account}`,
  ];
  return { where, role: 'lookup', user, create: `CREATE ROLE ${account} LOGIN PASSWORD ${text(password)}`, grants };
}

const reachOf = (database: string, account: string): string[] => [
  `GRANT CONNECT ON DATABASE ${name(database)} TO ${account}`,
  `GRANT USAGE ON SCHEMA public TO ${account}`,
];

function mysqlGrants(plan: Plan, role: Role, { user, password, database }: Address): UserGrants {
  const account = `${mysqlText(user)}@'%'`;
  const on = (rights: string, tables: readonly string[]) =>
    tables.map((table) => `GRANT ${rights} ON ${mysqlName(database)}.${mysqlName(table)} TO ${account}`);
  const tagging = `GRANT TRANSACTION_GTID_TAG, SESSION_VARIABLES_ADMIN ON *.* TO ${account}`;
  // A rollback by force ends whatever session keeps a checkpoint locked.
  const freeing = [
    `GRANT CONNECTION_ADMIN ON *.* TO ${account}`,
    ...['data_locks', 'threads'].map((table) => `GRANT SELECT ON performance_schema.${table} TO ${account}`),
  ];
  const mapped = syncedCapabilities(plan).flatMap((one) => Object.keys(plan.capabilities[one]!.tables));
  const every = 'SELECT, INSERT, UPDATE, DELETE';
  const grants = {
    control: [tagging, ...freeing, ...on(every, [...CAPTURED, ...PRIVATE, ...CONTROL])],
    applier: [
      tagging,
      ...on(every, [...CAPTURED, ...PRIVATE, 'strangler_backfill', 'strangler_verify', 'strangler_survey']),
      ...on('SELECT', ['strangler_state']),
      ...on('INSERT', ['strangler_record']),
      ...on(every, mapped),
    ],
    capture: [
      `GRANT RELOAD, REPLICATION SLAVE, REPLICATION CLIENT, SHOW DATABASES ON *.* TO ${account}`,
      ...on('SELECT', [...CAPTURED, ...mapped]),
      ...on('INSERT', ['strangler_signal']),
    ],
  }[role];
  return {
    where: 'monolith',
    role,
    user,
    create: `CREATE USER ${account} IDENTIFIED BY ${mysqlText(password)}`,
    grants,
  };
}

function postgresGrants(plan: Plan, capability: string, role: Role, { user, password, database }: Address): UserGrants {
  const account = name(user);
  const tables = Object.entries(plan.capabilities[capability]!.tables).map(([table, { to }]) => to ?? table);
  const on = (rights: string, all: readonly string[]) =>
    `GRANT ${rights} ON ${all.map((table) => `public.${name(table)}`).join(', ')} TO ${account}`;
  const every = 'SELECT, INSERT, UPDATE, DELETE';
  const ours = [...CAPTURED, ...PRIVATE];
  // The service’s ids of rows that the monolith has made.
  const isByKey = Object.values(plan.capabilities[capability]!.tables).some(({ shared }) => shared === 'by-key');
  const reach = reachOf(database, account);
  const tagging = [
    `GRANT EXECUTE ON FUNCTION pg_replication_origin_session_setup(text) TO ${account}`,
    `GRANT SELECT ON pg_replication_origin TO ${account}`,
  ];
  const grants = {
    control: [...reach, ...tagging, on(every, ours)],
    applier: [
      ...reach,
      ...tagging,
      `GRANT SET ON PARAMETER session_replication_role TO ${account}`,
      on(every, [...ours, ...tables]),
      ...(isByKey ? [`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${account}`] : []),
    ],
    capture: [`ALTER ROLE ${account} REPLICATION`, ...reach, on('SELECT', [...CAPTURED, ...tables])],
  }[role];
  return {
    where: capability,
    role,
    user,
    create: `CREATE ROLE ${account} LOGIN PASSWORD ${text(password)}`,
    grants,
  };
}
