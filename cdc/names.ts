import { monolithTopic, type Plan } from '@strangler/plan';

/** Which database a connector reads: the monolith's, or the service's of a capability. */
export type Origin = { readonly capability?: string };

const lastPart = ({ capability }: Origin): string => capability ?? 'monolith';

/** The connector of a database; also the prefix of its topics before they are routed into one. */
export const connectorName = (plan: Pick<Plan, 'name'>, origin: Origin): string =>
  `strangler-${plan.name}-${lastPart(origin)}`;

/** The connector a survey makes for itself, where none captures every table yet; it ends with the survey. */
export const surveyConnectorName = (plan: Pick<Plan, 'name'>): string => `${connectorName(plan, {})}.survey`;

/** The topic of that connector. */
export const surveyTopic = (plan: Pick<Plan, 'name'>): string => `${monolithTopic(plan)}.survey`;

/** Where Debezium keeps the schema history of that connector. */
export const surveyHistoryTopic = (plan: Pick<Plan, 'name'>): string => `${surveyTopic(plan)}.history`;

/** The publication and the replication slot in a capability's Postgres database. */
export const publicationName = (plan: Pick<Plan, 'name'>, capability: string): string =>
  `strangler_${plan.name}_${capability}`.replaceAll('-', '_').slice(0, 63);

/** Where Debezium keeps the monolith's schema history. */
export const historyTopic = (plan: Pick<Plan, 'name'>): string => `strangler.${plan.name}.history`;

/** The capabilities of a Plan whose tables are synced. */
export const syncedCapabilities = (plan: Plan): string[] =>
  Object.keys(plan.capabilities).filter((name) => Object.keys(plan.capabilities[name]!.tables).length > 0);

/** The parts of a database address. */
export type Address = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
};

/** Takes `mysql://user:password@host:port/database` or `postgres://…` apart. */
export function parseAddress(url: string): Address {
  const { hostname, port, username, password, pathname, protocol } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (protocol === 'mysql:' ? 3306 : 5432)),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  };
}
