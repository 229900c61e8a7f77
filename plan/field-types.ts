import { isIP } from 'node:net';
import { z } from 'zod';
import { databaseMistake, redisMistake, webMistake } from './addresses.ts';
import { parseRoute } from './routes.ts';
import { parseDuration, parsePercentage, parseSize } from './units.ts';

/** A text; what is none is told what it must be in the words for a text that is wrong. */
const textThat = (mustBe: string | undefined) =>
  z.string({ error: ({ input }) => (input === undefined ? undefined : mustBe) });

const unit = (parse: (text: string) => number | undefined, wants: string) =>
  textThat(`must be ${wants}`).transform((text, context) => {
    const value = parse(text);
    if (value === undefined) context.issues.push({ code: 'custom', message: `must be ${wants}`, input: text });
    return value ?? 0;
  });

/** Timers count milliseconds in 31 bits: what is longer would end at once. */
const LONGEST = 2 ** 31 - 1;

/** Becomes milliseconds. */
export const duration = (byDefault: string) =>
  unit(parseDuration, 'a duration such as 500ms, 2s, 10m or 1h')
    .refine((ms) => ms <= LONGEST, 'must be at most 24d')
    .meta({ title: 'duration' })
    .prefault(byDefault);

/** Becomes milliseconds, of something no timer waits for, however long. */
export const age = (byDefault: string) =>
  unit(parseDuration, 'a duration such as 12h or 30d').meta({ title: 'duration' }).prefault(byDefault);

/** Becomes bytes. */
export const size = (byDefault: string) =>
  unit(parseSize, 'a size such as 16KiB or 1MB').meta({ title: 'size' }).prefault(byDefault);

/** Becomes a fraction of one. */
export const percentage = unit(parsePercentage, 'a percentage such as 5%').meta({ title: 'percentage' });

/** A percentage with a default. */
export const fraction = (byDefault: string) => percentage.prefault(byDefault);

/** A text of which `mistake` says what is wrong with it, if something is; of what is no text, `mustBe`. */
export const text = (mistake: (given: string) => string | undefined, mustBe = mistake('')) =>
  textThat(mustBe).superRefine((given, context) => {
    const message = mistake(given);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

/** An http:// or https:// address. */
export const web = text((given) => webMistake(given)).meta({ title: 'URL' });

const databaseUrl = (schemes: string[]) =>
  text((given) => databaseMistake(given, schemes)).meta({
    title: `${schemes[0]}:// URL`,
    examples: [`${schemes[0]}://user:password@127.0.0.1/shop`],
  });

/** An address of a Redis, or of what speaks as one does. */
export const redisUrl = text((given) => redisMistake(given)).meta({
  title: 'redis:// URL',
  examples: ['redis://user:password@127.0.0.1/0'],
});

/** What is wrong with a route; undefined if nothing is. */
export const routeMistake = (given: string): string | undefined => {
  try {
    parseRoute(given);
    return undefined;
  } catch (error) {
    return `${JSON.stringify(given)}: a route ${(error as Error).message}`;
  }
};

/** A method and a path, as `parseRoute` reads them. */
export const route = text(routeMistake, 'must be a method and a path, such as GET /api/orders/*').meta({
  title: 'route',
});

/** A regular expression. */
export const expression = text((given) => {
  try {
    new RegExp(given);
    return undefined;
  } catch (error) {
    return `must be a regular expression: ${(error as Error).message}`;
  }
}, 'must be a regular expression').meta({ title: 'regular expression' });

const BLOCK = 'must be an address or a block such as 10.0.0.0/8';

/** An IP address, or a block of them in CIDR notation. */
export const block = textThat(BLOCK)
  .refine((text) => {
    const [address, bits, ...more] = text.split('/');
    const widest = { 0: -1, 4: 32, 6: 128 }[isIP(address!)]!;
    return !more.length && (bits === undefined ? widest > 0 : /^\d{1,3}$/.test(bits) && Number(bits) <= widest);
  }, BLOCK)
  .meta({ title: 'address or block' });

const NAME = 'must be a lower-case word: letters, digits and -, at most 40, beginning with a letter';

/** Of a migration or a capability. */
export const name = textThat(NAME)
  .regex(/^[a-z][a-z0-9-]{0,39}$/, NAME)
  .meta({ title: 'name' });

const ADDRESS = 'must be HOST:PORT, such as 127.0.0.1:8080';

/** Where something listens, or a broker. */
export const address = textThat(ADDRESS)
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, ADDRESS)
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'has a port above 65535')
  .meta({ title: 'HOST:PORT' });

/** One address for every role, or one per role, so that each has a database user of its own. */
export const database = (schemes: string[]) =>
  z
    .union([
      databaseUrl(schemes).transform((all) => ({
        ...{ admin: all, control: all, applier: all, capture: all },
        lookup: all as string | undefined,
        application: undefined as string | undefined,
      })),
      z.strictObject({
        admin: databaseUrl(schemes).describe('Creates and drops the strangler_ tables: `strangler init` and `remove`.'),
        control: databaseUrl(schemes).describe('Reads and writes handoffs and the state of control.'),
        applier: databaseUrl(schemes).describe('Writes the other side’s rows, checkpoints and quarantine.'),
        capture: databaseUrl(schemes).describe('Reads the log: Debezium’s own user.'),
        lookup: databaseUrl(schemes)
          .optional()
          .describe('Reads the tables in which proxies find out whose a request is, if the Plan has any (`user`).'),
        application: z
          .string()
          .min(1)
          .optional()
          .meta({
            description:
              'The application’s own database user, if it has a fence (NAME, on MySQL also NAME@HOST): `init` lets it read what that needs.',
            examples: ['shop_app'],
          }),
      }),
    ])
    .describe(
      'The database: one address for all, or one for each of admin, control, applier and capture, and lookup where proxies need it.',
    );

/**
 * The names that lead to a claim of a token. One name with dots could be a claim of this very name or a way into another
 * one, so it is in a list; the name of a URI (RFC 7519) is no way.
 */
export const claim = z
  .union([z.string(), z.array(z.string()).min(1)], 'must be the name of a claim, or a list of names')
  .superRefine((given, context) => {
    const wrong = (message: string) => context.addIssue({ code: 'custom', message });
    if ([given].flat().some((name) => !/^\S+$/.test(name))) wrong('must be the name of a claim, without blanks');
    else if (typeof given === 'string' && given.includes('.') && !/^[a-z][a-z0-9+-]*:/i.test(given)) {
      const way = given.split('.');
      wrong(
        `${given} can be a claim of this very name, ["${given}"], or the claim ${way.toReversed().join(' in ')}, ` +
          `${JSON.stringify(way)}: write the one that is meant`,
      );
    }
  });

/** RFC 9110 and RFC 6265. */
export const token = text((given) =>
  /^[\w!#$%&'*+.^`|~-]+$/.test(given) ? undefined : 'must be a name as headers and cookies have it, without blanks',
);

/** As a secret is in a Plan. */
export const fromEnvironment = (name: string): string => `\${${name}}`;

/** A bearer token. */
export const secret = (description: string) =>
  z
    .string()
    .min(8)
    .meta({ description, examples: [fromEnvironment('STRANGLER_TOKEN')] });
