import { z } from 'zod';
import { age, database, duration, expression, fraction, percentage, route, web } from './field-types.ts';
import { isUserPercentage } from './units.ts';
import { anonymous, user, userType } from './user-schema.ts';
import { BUCKETS } from './words.ts';

const writer = z
  .strictObject({
    by: z
      .string()
      .min(1)
      .meta({ description: 'Who it is, for people.', examples: ['the popularity job'] }),
    columns: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: 'The columns it changes, and nobody else.', examples: [['popularity']] }),
    inserts: z.boolean().default(false).describe('It inserts rows of any user.'),
    deletes: z.boolean().default(false).describe('It deletes rows of any user.'),
  })
  .refine(
    ({ columns, inserts, deletes }) => columns || inserts || deletes,
    'must say what it writes: columns, inserts or deletes',
  );

/** Who writes the rows of a table that has no users. */
export const SHARED = ['monolith', 'insert-only', 'by-key'] as const;
export type Shared = (typeof SHARED)[number];

const column = z.string().min(1);
const parent = z.strictObject({
  through: z.union([column, z.array(column).min(1)], 'must be a column, or a list of columns').meta({
    description: 'The columns with the parent’s primary key, in its order.',
    examples: ['order_id', ['order_id', 'line_no']],
  }),
  of: column.meta({ description: 'The parent’s table.', examples: ['orders'] }),
});

const way = z.union([column, parent], 'must be a column, or { through: …, of: … }');

/** One table of a capability. */
export const table = z.strictObject({
  to: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The table’s name on the service’s side, if it differs.', examples: ['purchases'] }),
  user: z
    .union([column, parent, z.array(way).min(1)])
    .optional()
    .meta({
      title: 'text, or fields, below, or a list of these',
      description:
        'The column that holds the user, or the columns that lead to a parent row (`through`) of another table (`of`). Of a list, the first whose columns are not NULL tells the user.',
      examples: ['user_id', { through: 'order_id', of: 'orders' }, ['author_id', 'editor_id']],
    }),
  shared: z
    .enum(SHARED)
    .optional()
    .meta({
      description:
        'Instead of user, for rows that are everybody’s (tags, categories). monolith: only that side writes them; insert-only: both sides insert, and nobody changes what is there but the monolith; by-key: the same, where each side gives out ids of its own and `key` says what is the same thing.',
      examples: ['by-key'],
    }),
  key: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      description:
        'With shared: by-key, the columns that say what a row is, in place of its id: a unique key of both sides. A row that both sides insert is one; its id is each side’s own, and is neither carried nor compared.',
      examples: [['name']],
    }),
  refers: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .meta({
      description:
        'Columns that hold ids of rows shared by key: column → table. On its way each id becomes that of the other side.',
      examples: [{ tagId: 'Tags' }],
    }),
  unowned: z
    .literal('monolith')
    .optional()
    .meta({
      description:
        'Where rows are that say no user, because every column that leads to one is NULL: with the monolith, until somebody gives them a user. Not said: a table that may have such rows is refused.',
      examples: ['monolith'],
    }),
  columns: z
    .record(z.string(), z.string().min(1))
    .default({})
    .meta({
      description: 'Columns whose name differs: monolith’s name → service’s name.',
      examples: [{ user_id: 'customer_id' }],
    }),
  sameWhen: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      description: 'Two rows that agree in these columns are the same thing, whatever their primary keys.',
      examples: [['user_id', 'idempotency_key']],
    }),
  touched: z
    .array(z.string().min(1))
    .default([])
    .meta({ description: 'Columns that change with every write and decide nothing.', examples: [['updated_at']] }),
  writers: z
    .array(writer)
    .default([])
    .meta({
      description:
        'Who writes rows in the monolith beside their users: timed jobs, webhooks, staff. What is not declared here and no request of the row’s user explains keeps everybody on the monolith (strangler survey).',
      examples: [[{ by: 'the popularity job', columns: ['popularity'] }]],
    }),
  distinct: z
    .array(z.array(z.string().min(1)).min(1))
    .default([])
    .meta({
      description:
        'Unique keys whose values both sides never give away alike, because the application makes them random or asks somebody. Other unique keys that span users are refused.',
      examples: [[['slug']]],
    }),
});

const handoff = z.strictObject({
  slice: z.int().min(1).max(BUCKETS).default(100).describe('Buckets moved at once; 100 is 1 %.'),
  hold: duration('2s').describe('How long a write of a user who is being moved may be held before it is answered 503.'),
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
  writeFate: duration('10s').describe(
    'How long a write of unknown fate (timed out, or reset after sending) keeps its users from moving.',
  ),
});

const guard = z.strictObject({
  errors: fraction('5%').describe(
    'Share of errors from which a service that is clearly worse than the monolith is rolled back, by its newest hundred requests: one that is steadily at a third of this is above it by chance now and then. What one user alone meets decides nothing (docs/how-it-works.md#the-judge).',
  ),
  hardFailures: z
    .int()
    .min(1)
    .default(10)
    .describe(
      'Requests in a row, most of which the service did not answer at all (refused, reset, timed out): after so many, and not of one user alone, everybody is taken back at once, unless the monolith fails too. If nobody else comes, that one counts after five minutes.',
    ),
  minimumRequests: z
    .int()
    .min(1)
    .default(50)
    .describe(
      'Requests to the service within ten minutes below which there is no verdict on its error rate; of one user not many more count than others make.',
    ),
  withoutUser: fraction('1%').describe(
    'Share of the writes of ten minutes that name no user, or none that can be read, above which nobody moves forward: they go to the monolith, whoever’s data they write.',
  ),
  lag: duration('1s').describe('Lag of the sync above which nobody moves forward.'),
  verifiedWithin: duration('1h').describe('Age of the last clean verify above which nobody moves forward.'),
});

const ramp = z.strictObject({
  steps: z
    .array(z.number().gt(0).max(100).refine(isUserPercentage, 'must be in steps of 0.01'))
    .min(1)
    .default([10, 25, 50, 75, 100])
    .refine((steps) => steps.every((step, at) => at === 0 || step > steps[at - 1]!), 'must rise from step to step')
    .describe('Percentages of users, rising.'),
  dwell: duration('10m').describe('How long users stay at a step, watched by the judge, before the next one begins.'),
});

const comparing = z.strictObject({
  share: fraction('0%').describe('Share of the users whose reads both sides are asked for and compared; 0%: none.'),
  noise: fraction('2%').describe(
    'Share of those reads that the monolith is asked twice: what it answers differently by itself is shown as noise.',
  ),
  rules: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'A JSON file of rules: why replies may differ, path by path.', examples: ['rules.json'] }),
  limit: percentage
    .refine((limit) => limit > 0 && limit < 1, 'must lie between 0% and 100%')
    .prefault('1%')
    .describe('Share of differing replies of a route above which nobody moves forward.'),
  afterWrite: z
    .record(route, z.array(z.string().regex(/^\//, 'begins with /')))
    .default({})
    .meta({
      description:
        'Reads to compare once a write has arrived on both sides; {id} is taken from the write’s JSON answer.',
      examples: [{ 'POST /api/orders': ['/api/orders/{id}'] }],
    }),
});

/** How what belongs to a capability is told apart: by its users, or not at all. */
export const SPLITS = ['users', 'none'] as const;

/** One capability of strangler.yaml. */
export const capability = z.strictObject({
  split: z
    .enum(SPLITS)
    .default('users')
    .describe(
      'Between whom it is split. none: its rows and requests are nobody’s in particular (a catalogue, settings, pages), so all of it is on one side, 0 or 100 %, and moves at once; then nothing is said of users.',
    ),
  group: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'What users are hashed with. Capabilities of one group move the same users first. By default the Plan’s name.',
      examples: ['shop'],
    }),
  service: z
    .strictObject({
      url: web.optional().meta({ description: 'Where the service answers.', examples: ['http://127.0.0.1:3001'] }),
      database: database(['postgres', 'postgresql']).optional(),
      rewrite: z
        .record(expression, z.string())
        .default({})
        .meta({
          description:
            'How a path reads for the service, if it differs from the monolith’s: regular expression → replacement. Matched without the query.',
          examples: [{ '^/api': '' }],
        }),
    })
    .describe('Where it moves to.'),
  routes: z
    .array(route)
    .default([])
    .meta({
      description: 'Requests that belong to the capability; none: a pure sync.',
      examples: [['ANY /api/orders', 'ANY /api/orders/:id/**']],
    }),
  user,
  userType,
  anonymous,
  readOnly: z
    .array(route)
    .default([])
    .meta({
      description: 'Routes that write nothing although their method could.',
      examples: [['POST /api/orders/search']],
    }),
  tables: z
    .record(z.string(), table)
    .default({})
    .meta({
      description: 'Tables that move with it, by the monolith’s names; none: a pure split.',
      examples: [{ orders: { user: 'user_id' } }],
    }),
  confirmed: z
    .boolean()
    .default(false)
    .describe(
      'Answer a write of the service only when it is on the monolith too: a rollback by force then misses nothing acknowledged.',
    ),
  keepFor: age('30d').describe(
    'How long rows that the sync has overwritten, superseded or settled are kept, with both images; what keeps users from moving forward stays until somebody has looked at it.',
  ),
  ramp: ramp.prefault({}).describe('How it is ramped.'),
  guard: guard.prefault({}).describe('What keeps users from moving forward, or takes them back.'),
  handoff: handoff.prefault({}).describe('How users are moved.'),
  compare: comparing.prefault({}).describe('How replies of both sides are compared beside the users.'),
});

/** One capability of the Plan. */
export type Capability = z.infer<typeof capability>;
/** Who writes a table’s rows beside their users. */
export type DeclaredWriter = z.infer<typeof writer>;
/** One table of a capability. */
export type Table = z.infer<typeof table>;
