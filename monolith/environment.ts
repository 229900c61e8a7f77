export interface Environment {
  port: number;
  host: string;
  databaseUrl: string;
  jwtSecret: string;
  internalToken: string;
}

/** Every missing or wrong environment variable, each with the next step. */
export class EnvironmentError extends Error {}

/** Reads the configuration; throws one EnvironmentError naming everything that is missing or wrong. */
export const readEnvironment = (env: NodeJS.ProcessEnv): Environment => {
  const wrong: string[] = [];
  const required = (name: string, nextStep: string): string => {
    const value = env[name] ?? '';
    if (value === '') wrong.push(`${name} is not set: ${nextStep}`);
    return value;
  };
  const port = Number(env.PORT ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) wrong.push('PORT must be a number from 0 to 65535');
  const databaseUrl = required(
    'DATABASE_URL',
    'give the shop database, e.g. mysql://user:password@127.0.0.1:3306/shop',
  );
  if (databaseUrl !== '' && !/^mysql:\/\/[^/]+\/./.test(databaseUrl))
    wrong.push('DATABASE_URL must look like mysql://user:password@host:port/database');
  const internalToken = required('INTERNAL_TOKEN', 'give the token the orders service calls /internal with');
  if (/[^\x21-\x7e]/.test(internalToken)) wrong.push('INTERNAL_TOKEN must be visible ASCII characters without spaces');
  const environment = {
    port,
    host: env.HOST ?? '127.0.0.1',
    databaseUrl,
    jwtSecret: required('JWT_SECRET', 'give the secret that signs login tokens, the same for all services'),
    internalToken,
  };
  if (wrong.length > 0) throw new EnvironmentError(wrong.join('\n'));
  return environment;
};
