import { z } from 'zod';
import { webMistake } from './addresses.ts';
import { address, block, duration, fromEnvironment, secret, size, text, web } from './field-types.ts';

/** Where the wanted percentages come from. */
export const flags = z
  .union([
    z.strictObject({
      file: z
        .string()
        .min(1)
        .meta({ description: 'A file in Unleash’s own format, watched.', examples: ['flags.json'] }),
    }),
    z.strictObject({
      unleash: z
        .strictObject({
          url: web.meta({ description: 'The server’s API.', examples: ['http://127.0.0.1:4242/api'] }),
          token: z
            .string()
            .min(1)
            .meta({ description: 'A client token, to read flags with.', examples: [fromEnvironment('UNLEASH_TOKEN')] }),
          adminToken: z
            .string()
            .min(1)
            .meta({
              description:
                'An admin token: a rollback sets the flag to 0 with it, so that nobody is sent forward again.',
              examples: [fromEnvironment('UNLEASH_ADMIN_TOKEN')],
            }),
          environment: z.string().min(1).default('development').describe('The environment read and written.'),
          project: z.string().min(1).default('default').describe('The project in which the flags are.'),
        })
        .describe('An Unleash server; each capability’s percentage is a flag of its name.')
        .superRefine(({ token, environment }, context) => {
          // PROJECT:ENVIRONMENT.SECRET
          const read = /^[^:.\s]+:([^:.\s]+)\./.exec(token)?.[1];
          if (read === undefined || read === environment) return;
          const message = `reads another environment than ${environment}, to which a rollback would be written: name the same`;
          context.addIssue({ code: 'custom', path: ['token'], message });
        }),
    }),
  ])
  .prefault({ file: 'flags.json' })
  .describe('Where somebody says what percentage is wanted: a file, or an Unleash server.');

/** The settings of control. */
export const control = z.strictObject({
  listen: address.default('127.0.0.1:7070').describe('Where the admin API, /metrics and the proxies’ link are served.'),
  tokens: z
    .strictObject({
      read: secret('May look.').optional(),
      operate: secret('May ramp, set, pause and roll back.').optional(),
      admin: secret('May do everything, also give a database up and dismiss a proxy.'),
      proxy: secret('Opens the link of a proxy, and nothing else.'),
    })
    .describe('Bearer tokens, one per role, each different.'),
  webhook: text((given) => webMistake(given, { query: true }))
    .optional()
    .meta({
      title: 'URL',
      description: 'Is sent a POST with a JSON body for every rollback and every alarm.',
      examples: [`https://chat.example.com/hooks/ops?key=${fromEnvironment('HOOK_KEY')}`],
    }),
  state: z
    .string()
    .min(1)
    .default('.strangler/control.json')
    .describe('The file in which control keeps its state if no capability has tables, so that there is no database.'),
});

/** The settings of a proxy. */
export const proxy = z.strictObject({
  listen: address.default('127.0.0.1:8080').describe('Where clients are served.'),
  metrics: address
    .optional()
    .meta({ description: 'Where /metrics and /health are served; unset: nowhere.', examples: ['127.0.0.1:9464'] }),
  trustedHops: z
    .array(block)
    .default([])
    .meta({
      description: 'Peers, such as your load balancer, whose X-Forwarded-* headers are believed.',
      examples: ['10.0.0.0/8'],
    }),
  maxBody: size('10MiB').describe('Largest request body; one beyond is answered 413.'),
  maxHeaders: size('16KiB').describe('Largest block of request headers; one beyond is answered 431.'),
  unfinishedPerAddress: z
    .int()
    .min(1)
    .default(256)
    .describe(
      'Writes of one client address to one side that may keep their users from moving at once: large uploads under way (one more is answered 429), as many WebSockets that may carry writes (429), and as many writes of unknown fate (503). If your clients come through a balancer, name it in trustedHops: else they all have its address.',
    ),
  unfinishedPerUser: z.int().min(1).default(16).describe('The same for one user at one address.'),
  connectTimeout: duration('1s').describe('To connect to an upstream; beyond, the answer is 504.'),
  headersTimeout: duration('15s').describe('From the request sent to the head of the answer; beyond, 504.'),
  idleTimeout: duration('60s').describe(
    'Longest silence within a body, either way; beyond, the request or the answer is cut off.',
  ),
  blindAfter: duration('30s').describe(
    'Without a link to control for longer, each write of a capability is logged (and refused, if blind says so).',
  ),
  blind: z
    .enum(['serve', 'refuse'])
    .default('serve')
    .describe(
      'What becomes of writes then. serve: they go where control last said; refuse: 503, because their users may have moved.',
    ),
  stopWithin: duration('10s').describe(
    'How long requests under way may take to end when the proxy is stopped (SIGTERM, Ctrl-C).',
  ),
});
