import { z } from 'zod';
import { capability } from './capability-schema.ts';
import { mistakesAcross } from './cross-checks.ts';
import { address, database, name, web } from './field-types.ts';
import { control, flags, proxy } from './process-schemas.ts';

/** Names of capabilities that cannot be names, and why; said beside the other mistakes, not instead of them. */
const misnamed = (all: object): string[] =>
  Object.keys(all).flatMap((called) => {
    const { error } = name.safeParse(called);
    return error ? [`${called}: ${error.issues[0]!.message}`] : [];
  });

/** The shape of strangler.yaml; `planSchema.parse` fills in the defaults. Durations become milliseconds, sizes bytes. */
export const planSchema = z
  .strictObject({
    version: z.literal(1).describe('Of this format.'),
    name: name.meta({
      description: 'Names the migration: topics, connectors and, by default, the group of the split.',
      examples: ['shop'],
    }),
    monolith: z
      .strictObject({
        url: web.optional().meta({
          description: 'Where the monolith answers: what belongs to no capability, and the users it still owns.',
          examples: ['http://127.0.0.1:3000'],
        }),
        database: database(['mysql']).optional(),
      })
      .describe('What is being taken apart.'),
    kafka: z
      .strictObject({
        brokers: z
          .array(address)
          .min(1)
          .meta({ description: 'Kafka’s bootstrap brokers, without TLS or SASL.', examples: [['127.0.0.1:9092']] }),
        connect: web.meta({
          description: 'The REST address of Kafka Connect, in which Debezium runs.',
          examples: ['http://127.0.0.1:8083'],
        }),
      })
      .optional()
      .describe('Through which the databases are kept in sync; needed where a capability has tables.'),
    flags,
    control: control.describe('The process that decides where users are, and moves them.'),
    proxy: proxy.prefault({}).describe('The process in front of everything.'),
    capabilities: z
      .record(z.string().meta({ title: 'name' }), capability)
      .refine((all) => Object.keys(all).length > 0, 'needs at least one capability')
      .refine((all) => !misnamed(all).length, {
        error: ({ input }) => misnamed(input as object).join('; '),
        when: ({ value }) => typeof value === 'object' && value !== null,
      })
      .describe('What moves, each by a name of its own, which is also the name of its flag.'),
  })
  .superRefine((plan, context) => {
    for (const { path, message } of mistakesAcross(plan))
      context.addIssue({ code: 'custom', path: [...path], message });
  });

/** What a proxy does when no Plan says otherwise. */
export const proxyDefaults = (): Plan['proxy'] => proxy.parse({});

/** The validated Plan. */
export type Plan = z.infer<typeof planSchema>;
/** Addresses of one database, one per role. */
export type DatabaseAddresses = { admin: string; control: string; applier: string; capture: string };

/** The JSON Schema of strangler.yaml, for editors. */
export const planJsonSchema = () => z.toJSONSchema(planSchema, { io: 'input', unrepresentable: 'any' });
