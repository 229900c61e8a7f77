import type { TagsOffice } from './tags.ts';

export interface Environment {
  port: number;
  host: string;
  databaseUrl: string;
  jwtSecret: string;
  /** Slugs end in chance, as the monolith's do. */
  randomSlugs: boolean;
  /** Who gives tags their ids, if not the service itself; whose token it is that staff edit articles with. */
  office: TagsOffice | undefined;
}

/** Every missing or wrong environment variable, each with the next step. */
export class EnvironmentError extends Error {}

/** Reads the configuration; throws one EnvironmentError naming everything that is missing or wrong. */
export const readEnvironment = (env: NodeJS.ProcessEnv): Environment => {
  const wrong: string[] = [];
  const required = (name: string, shape: RegExp, nextStep: string): string => {
    const value = env[name] ?? '';
    if (value === '') wrong.push(`${name} is not set: ${nextStep}`);
    else if (!shape.test(value)) wrong.push(`${name} is wrong: ${nextStep}`);
    return value;
  };
  const port = Number(env.PORT || 3001);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) wrong.push('PORT must be a number from 0 to 65535');
  const environment = {
    port,
    host: env.HOST || '127.0.0.1',
    databaseUrl: required(
      'DATABASE_URL',
      /^postgres(ql)?:\/\/[^/]+\/./,
      "give the service's own database, e.g. postgres://user:password@127.0.0.1:5432/articles",
    ),
    jwtSecret: required('JWT_SECRET', /./, "give the monolith's secret for login tokens"),
    randomSlugs: env.SLUG_SUFFIX === 'random',
    office: env.MONOLITH_URL
      ? {
          monolithUrl: required(
            'MONOLITH_URL',
            /^https?:\/\/./,
            "give the monolith's address, e.g. http://127.0.0.1:3000",
          ),
          internalToken: required('INTERNAL_TOKEN', /./, "give the monolith's token for services"),
        }
      : undefined,
  };
  if (wrong.length > 0) throw new EnvironmentError(wrong.join('\n'));
  return environment;
};
