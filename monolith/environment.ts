export interface Environment {
  port: number;
  host: string;
  databaseUrl: string;
  jwtSecret: string;
  internalToken: string;
  /** Refuse writes of users whom a migration has given to another side. */
  fence: boolean;
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
  const port = Number(env.PORT || 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) wrong.push('PORT must be a number from 0 to 65535');
  const fence = env.STRANGLER_FENCE || 'off';
  if (fence !== 'on' && fence !== 'off') wrong.push('STRANGLER_FENCE must be on or off');
  const environment = {
    port,
    host: env.HOST || '127.0.0.1',
    databaseUrl: required(
      'DATABASE_URL',
      /^mysql:\/\/[^/]+\/./,
      'give the shop database, e.g. mysql://user:password@127.0.0.1:3306/shop',
    ),
    fence: fence === 'on',
    jwtSecret: required('JWT_SECRET', /./, 'give the secret that signs login tokens, the same for all services'),
    internalToken: required(
      'INTERNAL_TOKEN',
      /^[\x21-\x7e]+$/,
      'give the token the orders service calls /internal with, visible ASCII characters without spaces',
    ),
  };
  if (wrong.length > 0) throw new EnvironmentError(wrong.join('\n'));
  return environment;
};
