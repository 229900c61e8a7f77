export interface Environment {
  port: number;
  host: string;
  databaseUrl: string;
  jwtSecret: string;
  /** Refuse writes of users whom a migration has given to another side. */
  fence: boolean;
  /** The events to make notifications of; none if no brokers are given. */
  events: { brokers: string[]; topic: string } | undefined;
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
  const port = Number(env.PORT || 3002);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) wrong.push('PORT must be a number from 0 to 65535');
  const brokers = (env.KAFKA_BROKERS ?? '').split(',').filter((broker) => broker !== '');
  const fence = env.STRANGLER_FENCE || 'off';
  if (fence !== 'on' && fence !== 'off') wrong.push('STRANGLER_FENCE must be on or off');
  const environment = {
    port,
    host: env.HOST || '127.0.0.1',
    databaseUrl: required(
      'DATABASE_URL',
      /^postgres(ql)?:\/\/[^/]+\/./,
      "give the service's own database, e.g. postgres://user:password@127.0.0.1:5432/notifications",
    ),
    fence: fence === 'on',
    jwtSecret: required('JWT_SECRET', /./, "give the monolith's secret for login tokens"),
    events:
      brokers.length === 0
        ? undefined
        : {
            brokers,
            topic: required(
              'OUTBOX_TOPIC',
              /^[\w.-]+$/,
              "give the topic of the orders service's outbox, or unset KAFKA_BROKERS",
            ),
          },
  };
  if (wrong.length > 0) throw new EnvironmentError(wrong.join('\n'));
  return environment;
};
