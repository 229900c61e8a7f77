export interface Environment {
  port: number;
  host: string;
  databaseUrl: string;
  jwtSecret: string;
  internalToken: string;
  monolithUrl: string;
  /** Refuse writes of users whom a migration has given to another side. */
  fence: boolean;
  /** How old an unfinished attempt must be before its claims are given back; longer than any client retries. */
  recoverAfterMs: number;
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
  const whole = (name: string, fallback: number, most: number): number => {
    const value = Number(env[name] || fallback);
    if (!Number.isInteger(value) || value < 0 || value > most) wrong.push(`${name} must be a number from 0 to ${most}`);
    return value;
  };
  const fence = env.STRANGLER_FENCE || 'off';
  if (fence !== 'on' && fence !== 'off') wrong.push('STRANGLER_FENCE must be on or off');
  const environment = {
    port: whole('PORT', 3001, 65_535),
    host: env.HOST || '127.0.0.1',
    databaseUrl: required(
      'DATABASE_URL',
      /^postgres(ql)?:\/\/[^/]+\/./,
      "give the service's own database, e.g. postgres://user:password@127.0.0.1:5432/orders",
    ),
    fence: fence === 'on',
    jwtSecret: required('JWT_SECRET', /./, "give the monolith's secret for login tokens"),
    internalToken: required('INTERNAL_TOKEN', /^[\x21-\x7e]+$/, "give the monolith's INTERNAL_TOKEN"),
    monolithUrl: required('MONOLITH_URL', /^http:\/\/./, 'give the monolith, e.g. http://127.0.0.1:3000'),
    recoverAfterMs: whole('RECOVER_AFTER_MS', 60_000, 86_400_000),
  };
  if (wrong.length > 0) throw new EnvironmentError(wrong.join('\n'));
  return environment;
};
