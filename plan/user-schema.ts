import { z } from 'zod';
import { claim, fromEnvironment, redisUrl, text, token, web } from './field-types.ts';
import { USER_TYPES } from './users.ts';

const verify = z
  .union(
    [
      z.literal('none'),
      z.strictObject({ secret: z.string().min(8).meta({ description: 'The secret of HS256, HS384 or HS512.' }) }),
      z.strictObject({
        pem: text(
          (given) => (given.includes('-----BEGIN PUBLIC KEY-----') ? undefined : 'must be a PUBLIC KEY in PEM'),
          'must be a PUBLIC KEY in PEM',
        ).meta({ title: 'PEM', description: 'The public key of its issuer.' }),
      }),
      z.strictObject({
        jwks: web.meta({
          description: 'Where its issuer’s keys are, as JWKS.',
          examples: ['https://id.shop.test/jwks'],
        }),
      }),
    ],
    'must be none, or have exactly one of secret, pem, jwks',
  )
  .meta({
    description:
      'How its signature is checked. none: the sides do it, and a forged one only picks who refuses it. Whether it has expired is theirs to say.',
    examples: ['none'],
  });

const PARAMETER = 'must be the name of a parameter of the routes, without the colon';

const jwt = z
  .strictObject({
    claim: claim.meta({
      title: 'text, or list: text',
      description: 'The claim: its name, or a list of names that leads to it.',
      examples: ['sub', ['user', 'id']],
    }),
    header: token.optional().meta({ description: 'The header it comes in; Authorization if no place is said.' }),
    cookie: token.optional().meta({ description: 'The cookie it comes in.' }),
    query: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The query parameter it comes in.', examples: ['access_token'] }),
    scheme: token
      .optional()
      .meta({ description: 'The word before it in Authorization; Bearer if none is said.', examples: ['Token'] }),
    verify,
  })
  .refine(
    ({ header, cookie, query }) => [header, cookie, query].filter((one) => one !== undefined).length <= 1,
    'comes in one place: write one of header, cookie, query',
  )
  .refine(
    ({ header, cookie, query, scheme }) => scheme === undefined || (header ?? cookie ?? query) === undefined,
    'has a scheme only where no place is said: in Authorization',
  )
  .meta({ description: 'A claim of a JSON Web Token.' });

const NAMED = z.string().min(1);

const lookup = z
  .strictObject({
    table: NAMED.meta({ description: 'The monolith’s table.', examples: ['Users'] }),
    match: NAMED.meta({
      description: 'The column in which what the request says is looked for, as the database itself compares.',
      examples: ['email'],
    }),
    take: NAMED.meta({ description: 'The column that holds the user, as rows say it.', examples: ['id'] }),
  })
  .optional()
  .meta({
    description:
      'Where what the request says is turned into what rows say: in the monolith’s database, asked before every write; a read may go by an answer of the last five seconds.',
  });

const secrets = (description: string) =>
  z
    .union([NAMED, z.array(NAMED).min(1)], 'must be a secret, or a list of secrets')
    .meta({ title: 'text, or list: text', description, examples: [fromEnvironment('COOKIE_SECRET')] });

const tableStore = z
  .strictObject({
    table: NAMED.meta({ description: 'The table of the sessions.', examples: ['Sessions'] }),
    id: NAMED.meta({ description: 'The column with a session’s id.', examples: ['sid'] }),
    data: NAMED.meta({ description: 'The column with its data, in JSON.', examples: ['data'] }),
    expires: NAMED.meta({
      description:
        'The column that says when it ends: a time (in MySQL of UTC), or the seconds or milliseconds since 1970.',
      examples: ['expires'],
    }),
    database: z.enum(['monolith', 'service']).default('monolith').describe('In whose database it is.'),
  })
  .meta({ description: 'A table, as of connect-session-sequelize, express-mysql-session or connect-pg-simple.' });

const redisStore = z
  .strictObject({
    redis: redisUrl.describe('Its address; Valkey and the like speak as Redis does.'),
    prefix: z
      .string()
      .default('sess:')
      .describe(
        'What the key of a session begins with, before its id; connect-redis says sess: unless it is told otherwise.',
      ),
  })
  .meta({
    description: 'A Redis with the data of each session, in JSON, under a key of its own, as of connect-redis.',
  });

const store = z
  .union([tableStore, redisStore], 'must have table, id, data and expires, or redis')
  .meta({ description: 'Where sessions are kept.' });

const session = z
  .strictObject({
    cookie: token.meta({ description: 'Its cookie.', examples: ['connect.sid'] }),
    secret: secrets('What the cookie is signed with; of several, whichever fits.'),
    claim: claim.meta({
      title: 'text, or list: text',
      description: 'What of its data names the user: a name, or a list of names that leads there.',
      examples: [['user', 'id']],
    }),
    store,
  })
  .meta({ description: 'A session of express-session, kept in a table or in Redis.' });

const source = z.union([
  z.strictObject({ jwt, lookup }),
  z.strictObject({ header: token.meta({ description: 'A request header.', examples: ['x-user-id'] }), lookup }),
  z.strictObject({
    cookie: token.meta({ description: 'A cookie.', examples: ['user'] }),
    signed: secrets('What the cookie is signed with, as cookie-parser does it; of several, whichever fits.').optional(),
    lookup,
  }),
  z.strictObject({ session, lookup }),
  z.strictObject({
    path: text((given) => (/^[A-Za-z_]\w*$/.test(given) ? undefined : PARAMETER)).meta({
      description: 'A parameter of the routes.',
      examples: ['userId'],
    }),
    lookup,
  }),
  z.strictObject({
    row: NAMED.meta({
      description:
        'The user of a row of this table of the capability: the one that a parameter of the route names. Looked for in the monolith’s database, and in the service’s if it is not there.',
      examples: ['Articles'],
    }),
    by: NAMED.meta({ description: 'The column the row is looked for by; a unique one.', examples: ['slug'] }),
    from: text((given) => (/^[A-Za-z_]\w*$/.test(given) ? undefined : PARAMETER)).meta({
      description: 'The parameter of the routes; a request whose route lacks it names nobody by this.',
      examples: ['slug'],
    }),
  }),
  z.strictObject({
    ask: web.meta({
      description:
        'Asked with GET, and with the request’s Authorization and Cookie, its method as X-Forwarded-Method and its target as X-Forwarded-Uri. It answers 200 with { "user": "…" } in JSON, or 204 or 401 for nobody.',
      examples: ['http://127.0.0.1:3000/whoami'],
    }),
    lookup,
  }),
  z.strictObject({
    constant: z
      .string()
      .min(1)
      .meta({ description: 'Always this user: for a capability of one account.', examples: ['1'] }),
  }),
]);

/** Where requests say whose they are. */
export const user = z
  .array(
    source,
    'must be a list of sources, such as [{ jwt: { claim: sub, verify: none } }] or [{ header: x-user-id }]',
  )
  .min(1)
  .optional()
  .meta({
    description:
      'Where a request says whose it is: the first of these that names somebody. One that is there and cannot be read ends the search.',
    examples: [[{ header: 'x-user-id' }]],
  });

/** How users are compared. */
export const userType = z
  .enum(USER_TYPES)
  .default('text')
  .describe(
    'What users are. text: as they are spelt; caseless: in any case; integer: a whole number of any length; uuid: with dashes or without, in any case, BINARY(16) too. Requests and rows must agree.',
  );

/** What becomes of requests that name nobody. */
export const anonymous = z
  .enum(['monolith', 'refuse'])
  .optional()
  .meta({
    description:
      'What becomes of a request that names nobody; needed, because there are routes. monolith: it goes there, whoever its data belongs to; refuse: 401, once anybody is on the service.',
    examples: ['monolith'],
  });

/** One source of users. */
export type UserSource = z.infer<typeof source>;
/** Where what a request says is turned into what rows say. */
export type UserLookup = NonNullable<z.infer<typeof lookup>>;
/** How the sessions of an application are read. */
export type SessionSettings = z.infer<typeof session>;
