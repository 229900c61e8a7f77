import { isIP } from 'node:net';
import { z } from 'zod';
import { databaseMistake, webMistake } from './addresses.ts';
import { covers, parseRoute } from './routes.ts';
import { parseDuration, parsePercentage, parseSize } from './units.ts';
import { BUCKETS } from './words.ts';

const unit = (parse: (text: string) => number | undefined, wants: string) =>
  z.string().transform((text, context) => {
    const value = parse(text);
    if (value === undefined) context.issues.push({ code: 'custom', message: `must be ${wants}`, input: text });
    return value ?? 0;
  });

/** Timers count milliseconds in 31 bits: what is longer would end at once. */
const LONGEST = 2 ** 31 - 1;
const duration = (byDefault: string) =>
  unit(parseDuration, 'a duration such as 500ms, 2s, 10m or 1h')
    .refine((ms) => ms <= LONGEST, 'must be at most 24d')
    .prefault(byDefault);
const size = (byDefault: string) => unit(parseSize, 'a size such as 16KiB or 1MB').prefault(byDefault);
const fraction = (byDefault: string) => unit(parsePercentage, 'a percentage such as 5%').prefault(byDefault);

/** A text of which `mistake` says what is wrong with it, if something is. */
const text = (mistake: (given: string) => string | undefined) =>
  z.string().superRefine((given, context) => {
    const message = mistake(given);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const web = text((given) => webMistake(given));
const databaseUrl = (schemes: string[]) => text((given) => databaseMistake(given, schemes));

const routeMistake = (given: string): string | undefined => {
  try {
    parseRoute(given);
    return undefined;
  } catch (error) {
    return `${JSON.stringify(given)}: a route ${(error as Error).message}`;
  }
};
const route = text(routeMistake);

const expression = text((given) => {
  try {
    new RegExp(given);
    return undefined;
  } catch (error) {
    return `must be a regular expression: ${(error as Error).message}`;
  }
});

const block = z.string().refine((text) => {
  const [address, bits, ...more] = text.split('/');
  const widest = { 0: -1, 4: 32, 6: 128 }[isIP(address!)]!;
  return !more.length && (bits === undefined ? widest > 0 : /^\d{1,3}$/.test(bits) && Number(bits) <= widest);
}, 'must be an address or a block such as 10.0.0.0/8');

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    'must be a lower-case word: letters, digits and -, at most 40, beginning with a letter',
  );

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'must be HOST:PORT, such as 127.0.0.1:8080')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'has a port above 65535');

/** One address for every role, or one per role, so that each has a database user of its own. */
const database = (schemes: string[]) =>
  z
    .union([
      databaseUrl(schemes).transform((all) => ({
        ...{ admin: all, control: all, applier: all, capture: all },
        application: undefined as string | undefined,
      })),
      z.strictObject({
        admin: databaseUrl(schemes).describe('Creates and drops the strangler_ tables: `strangler init` and `remove`.'),
        control: databaseUrl(schemes).describe('Reads and writes handoffs and the state of control.'),
        applier: databaseUrl(schemes).describe('Writes the other side’s rows, checkpoints and quarantine.'),
        capture: databaseUrl(schemes).describe('Debezium’s own user.'),
        application: z
          .string()
          .min(1)
          .optional()
          .describe(
            'The application’s own database user, if it has a fence (NAME, on MySQL also NAME@HOST): `init` lets it read what that needs.',
          ),
      }),
    ])
    .describe('The database: one address for all, or one for each of admin, control, applier and capture.');

/**
 * The name of a claim at the top level of a token. One with dots could as well be a path to a claim within another one, so
 * it stands in a list; the name of a URI (RFC 7519) is none.
 */
const claim = z
  .union([z.string(), z.tuple([z.string()])], 'must be the name of a claim')
  .transform((given, context) => {
    const [name] = typeof given === 'string' ? [given] : given;
    const wrong = (message: string) => context.issues.push({ code: 'custom', message, input: given });
    if (!/^\S+$/.test(name)) wrong('must be the name of a claim, without blanks');
    else if (given === name && name.includes('.') && !/^[a-z][a-z0-9+-]*:/i.test(name)) {
      const inside = `${name.split('.').reverse().join(' in ')}, which is not read`;
      wrong(
        `${name} can be a claim of this very name, or a claim inside another one (${inside}). For the first write ` +
          `jwt: ["${name}"]; else put the user into a claim of its own at the top, or name a header or a cookie`,
      );
    }
    return name;
  });
/** RFC 9110 and RFC 6265. */
const token = text((given) =>
  /^[\w!#$%&'*+.^`|~-]+$/.test(given) ? undefined : 'must be a name as headers and cookies have it, without blanks',
);

const user = z
  .union([
    z.strictObject({
      jwt: claim.describe('A claim of the bearer token, at its top level; a name with dots as [NAME].'),
    }),
    z.strictObject({ header: token.describe('A request header.') }),
    z.strictObject({ cookie: token.describe('A cookie.') }),
  ])
  .describe('Where a request says whose it is.');

const table = z.strictObject({
  to: z.string().min(1).optional().describe('The table’s name on the service’s side, if it differs.'),
  user: z
    .union([z.string().min(1), z.strictObject({ through: z.string().min(1), of: z.string().min(1) })])
    .describe(
      'The column that holds the user, or the column that leads to a parent row (`through`) of another table (`of`).',
    ),
  columns: z
    .record(z.string(), z.string().min(1))
    .default({})
    .describe('Columns whose name differs: monolith’s name → service’s name.'),
  sameWhen: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Two rows that agree in these columns are the same thing, whatever their primary keys.'),
  touched: z.array(z.string().min(1)).default([]).describe('Columns that change with every write and decide nothing.'),
});

const handoff = z.strictObject({
  slice: z.int().min(1).max(BUCKETS).default(100).describe('Buckets moved at once; 100 is 1 %.'),
  hold: duration('2s').describe('How long a write may be held before it is answered 503.'),
  queue: z
    .int()
    .min(0)
    .default(1_000)
    .describe(
      'Writes one proxy may hold at once; a quarter of them, but at least 25, of one client address, and a tenth, but at least ten, of one user there. If your clients come through a balancer, name it in trustedHops: else they all have its address.',
    ),
  forceAfter: duration('500ms').describe(
    'How long an urgent rollback waits for the service’s database before it goes without: what had not arrived by then is late.',
  ),
  writeFate: duration('10s').describe('How long a write of unknown fate keeps its users from moving.'),
});

const guard = z.strictObject({
  errors: fraction('5%').describe('Share of errors above which the service fails, whatever the monolith does.'),
  hardFailures: z.int().min(1).default(10).describe('Failed requests in a row of evidence that end a step at once.'),
  minimumRequests: z.int().min(1).default(50).describe('Requests below which there is no verdict.'),
  lag: duration('1s').describe('Lag of the sync above which nobody moves forward.'),
  verifiedWithin: duration('1h').describe('Age of the last clean verify above which nobody moves forward.'),
});

const ramp = z.strictObject({
  steps: z
    .array(
      z
        .number()
        .gt(0)
        .max(100)
        .refine((step) => Math.abs(step * 100 - Math.round(step * 100)) < 1e-6, 'must be in steps of 0.01'),
    )
    .min(1)
    .default([10, 25, 50, 75, 100])
    .refine((steps) => steps.every((step, at) => at === 0 || step > steps[at - 1]!), 'must rise from step to step')
    .describe('Percentages of users, rising.'),
  dwell: duration('10m').describe('How long a step is watched before the next.'),
});

const comparing = z.strictObject({
  share: fraction('0%').describe('Share of the users whose reads both sides are asked for and compared; 0%: none.'),
  noise: fraction('2%').describe(
    'Share of those reads that the monolith is asked twice: what it answers differently by itself is shown as noise.',
  ),
  rules: z.string().min(1).optional().describe('A JSON file of rules: why replies may differ, path by path.'),
  limit: unit(parsePercentage, 'a percentage such as 1%')
    .refine((limit) => limit > 0 && limit < 1, 'must lie between 0% and 100%')
    .prefault('1%')
    .describe('Share of differing replies of a route above which nobody moves forward.'),
  afterWrite: z
    .record(route, z.array(z.string().regex(/^\//, 'begins with /')))
    .default({})
    .describe('Reads to compare once a write has arrived on both sides; {id} is taken from the write’s JSON answer.'),
});

const capability = z.strictObject({
  group: z.string().min(1).optional().describe('Whose hash the split uses; by default the Plan’s name.'),
  service: z.strictObject({
    url: web.optional().describe('Where the service answers.'),
    database: database(['postgres', 'postgresql']).optional(),
    rewrite: z
      .record(expression, z.string())
      .default({})
      .describe('Path rewrites for the service: regular expression → replacement.'),
  }),
  routes: z.array(route).default([]).describe('Requests that belong to the capability; none: a pure sync.'),
  user: user.optional(),
  readOnly: z.array(route).default([]).describe('Routes that write nothing although their method could.'),
  tables: z.record(z.string(), table).default({}).describe('Tables that move with it; none: a pure split.'),
  confirmed: z
    .boolean()
    .default(false)
    .describe(
      'Answer a write of the service only when it is on the monolith too: a rollback by force then misses nothing acknowledged.',
    ),
  ramp: ramp.prefault({}),
  guard: guard.prefault({}),
  handoff: handoff.prefault({}),
  compare: comparing.prefault({}),
});

const flags = z
  .union([
    z.strictObject({ file: z.string().min(1).describe('A file in Unleash’s own format, watched.') }),
    z.strictObject({
      unleash: z
        .strictObject({
          url: web,
          token: z.string().min(1).describe('A client token, to read.'),
          adminToken: z.string().min(1).describe('An admin token, to write a rollback.'),
          environment: z.string().min(1).default('development'),
          project: z.string().min(1).default('default'),
        })
        .superRefine(({ token, environment }, context) => {
          // PROJECT:ENVIRONMENT.SECRET
          const read = /^[^:.\s]+:([^:.\s]+)\./.exec(token)?.[1];
          if (read === undefined || read === environment) return;
          const message = `reads another environment than ${environment}, to which a rollback would be written: name the same`;
          context.addIssue({ code: 'custom', path: ['token'], message });
        }),
    }),
  ])
  .prefault({ file: 'flags.json' });

const control = z.strictObject({
  listen: address.default('127.0.0.1:7070'),
  tokens: z.strictObject({
    read: z.string().min(8).optional().describe('May look.'),
    operate: z.string().min(8).optional().describe('May ramp, set and roll back.'),
    admin: z.string().min(8).describe('May do everything.'),
    proxy: z.string().min(8).describe('Opens the stream of a proxy.'),
  }),
  webhook: text((given) => webMistake(given, { query: true }))
    .optional()
    .describe('Hears of every rollback.'),
  state: z.string().min(1).default('.strangler/control.json').describe('Where state is kept if there is no database.'),
});

const proxy = z.strictObject({
  listen: address.default('127.0.0.1:8080'),
  metrics: address.optional().describe('Where prom-client’s metrics and /health are served.'),
  trustedHops: z.array(block).default([]).describe('Peers whose X-Forwarded-* headers are believed.'),
  maxBody: size('10MiB').describe('Largest request body.'),
  maxHeaders: size('16KiB').describe('Largest block of request headers.'),
  unfinishedPerAddress: z
    .int()
    .min(1)
    .default(256)
    .describe(
      'Writes of one client address to one side that may keep their users from moving at once: large uploads under way (one more is answered 429), as many WebSockets that may carry writes (429), and as many writes of unknown fate (503). If your clients come through a balancer, name it in trustedHops: else they all have its address.',
    ),
  unfinishedPerUser: z.int().min(1).default(16).describe('The same for one user at one address.'),
  connectTimeout: duration('1s'),
  headersTimeout: duration('15s').describe('From the request sent to the head of the answer.'),
  idleTimeout: duration('60s').describe('Longest silence within a body, either way.'),
  blindAfter: duration('30s').describe(
    'Without a link to control for longer, each write of a capability is logged (and refused, if blind says so).',
  ),
  blind: z
    .enum(['serve', 'refuse'])
    .default('serve')
    .describe(
      'What becomes of writes then. serve: they go where control last said; refuse: 503, because their users may have moved.',
    ),
  stopWithin: duration('10s').describe('Time for requests under way when stopping.'),
});

/** The shape of strangler.yaml; `planSchema.parse` fills in the defaults. Durations become milliseconds, sizes bytes. */
export const planSchema = z
  .strictObject({
    version: z.literal(1),
    name: name.describe('Names the migration: topics, connectors and, by default, the group of the split.'),
    monolith: z.strictObject({
      url: web.optional(),
      database: database(['mysql']).optional(),
    }),
    kafka: z
      .strictObject({
        brokers: z.array(address).min(1),
        connect: web.describe('The REST address of Kafka Connect.'),
      })
      .optional(),
    flags,
    control,
    proxy: proxy.prefault({}),
    capabilities: z
      .record(name, capability)
      .refine((all) => Object.keys(all).length > 0, 'needs at least one capability'),
  })
  .superRefine((plan, context) => {
    const missing = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const [key, one] of Object.entries(plan.capabilities)) {
      const at = ['capabilities', key];
      const tables = Object.keys(one.tables);
      if (!one.routes.length && !tables.length) missing(at, 'needs routes, tables, or both');
      if (one.routes.length && !one.service.url)
        missing([...at, 'service', 'url'], 'is needed, because there are routes');
      if (one.routes.length && !plan.monolith.url) missing(['monolith', 'url'], `is needed by the routes of ${key}`);
      if (one.routes.length && !one.user) missing([...at, 'user'], 'is needed, because there are routes');
      if (tables.length && !one.service.database)
        missing([...at, 'service', 'database'], 'is needed, because there are tables');
      if (tables.length && !plan.monolith.database)
        missing(['monolith', 'database'], `is needed by the tables of ${key}`);
      if (tables.length && !plan.kafka) missing(['kafka'], `is needed by the tables of ${key}`);
      for (const [tableName, { user: owner }] of Object.entries(one.tables)) {
        if (typeof owner === 'object' && !Object.hasOwn(one.tables, owner.of)) {
          missing([...at, 'tables', tableName, 'user', 'of'], `names ${owner.of}, which is no table of ${key}`);
        }
      }
    }
    const routed = Object.entries(plan.capabilities).flatMap(([key, { routes }]) =>
      routes.flatMap((one, at) => (routeMistake(one) ? [] : [{ key, at, one, parsed: parseRoute(one) }])),
    );
    routed.forEach(({ key, at, parsed }, index) => {
      const first = routed.slice(0, index).find((other) => other.key !== key && covers(other.parsed, parsed));
      if (first) missing(['capabilities', key, 'routes', at], `is taken by ${first.one} of ${first.key} already`);
    });
    const roles = Object.entries(plan.control.tokens);
    roles.forEach(([role, one], index) => {
      const same = roles.slice(0, index).find(([, other]) => other === one);
      if (!same) return;
      const message = `is the token of ${same[0]} too, so whoever has it has both roles`;
      const next = `write another one here, such as openssl rand -hex 16 prints, and give it to those who use the role ${role}`;
      missing(['control', 'tokens', role], `${message}: ${next}`);
    });
    for (const [key, one] of Object.entries(plan.capabilities)) {
      const names = Object.entries(one.tables).map(([name, { to = name }]) => to);
      const twice = names.find((name, at) => names.indexOf(name) < at);
      if (twice !== undefined) missing(['capabilities', key, 'tables'], `lead to ${twice} of the service twice`);
      for (const [name, { columns }] of Object.entries(one.tables)) {
        const all = Object.values(columns);
        const same = all.find((column, at) => all.indexOf(column) < at);
        if (same !== undefined) {
          missing(['capabilities', key, 'tables', name, 'columns'], `lead to ${same} of the service twice`);
        }
      }
    }
    const owners = new Map<string, string>();
    for (const [key, one] of Object.entries(plan.capabilities)) {
      for (const tableName of Object.keys(one.tables)) {
        const other = owners.get(tableName);
        if (other) missing(['capabilities', key, 'tables', tableName], `belongs to ${other} already`);
        owners.set(tableName, key);
      }
    }
  });

/** What a proxy does when no Plan says otherwise. */
export const proxyDefaults = (): Plan['proxy'] => proxy.parse({});

/** The validated Plan. */
export type Plan = z.infer<typeof planSchema>;
/** One capability of the Plan. */
export type Capability = z.infer<typeof capability>;
/** One table of a capability. */
export type Table = z.infer<typeof table>;
/** Addresses of one database, one per role. */
export type DatabaseAddresses = { admin: string; control: string; applier: string; capture: string };

/** The JSON Schema of strangler.yaml, for editors. */
export const planJsonSchema = () => z.toJSONSchema(planSchema, { io: 'input', unrepresentable: 'any' });
