import { join } from 'node:path';
import { Client } from 'pg';
import { packageFolder } from '../home.ts';
import { credentials, unleashSettings } from '../settings.ts';
import { postgresAddress } from './postgres.ts';
import type { Recipe } from './recipe.ts';

const database = 'unleash';

/** Unleash's own start script, run as a process of its own and never imported (its licence is the AGPL). */
const script = () => join(packageFolder('unleash-server'), 'dist/server.js');

export const unleash: Recipe = {
  stopSignal: 'SIGTERM',

  async install() {},

  async beforeStart({ ports }) {
    const client = new Client({
      ...postgresAddress(ports.postgres),
      connectionTimeoutMillis: 5000,
      query_timeout: 10_000,
    });
    await client.connect();
    try {
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
      if (rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
    } finally {
      await client.end();
    }
  },

  command: ({ ports }) => ({
    file: process.execPath,
    args: [script()],
    env: {
      NODE_ENV: 'production',
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(ports.unleash),
      UNLEASH_URL: `http://127.0.0.1:${ports.unleash}`,
      DATABASE_HOST: '127.0.0.1',
      DATABASE_PORT: String(ports.postgres),
      DATABASE_NAME: database,
      DATABASE_USERNAME: credentials.postgres.user,
      DATABASE_PASSWORD: credentials.postgres.password,
      ...Object.fromEntries(Object.entries(unleashSettings).map(([name, value]) => [name, String(value)])),
    },
  }),

  async probe({ ports }) {
    const response = await fetch(`http://127.0.0.1:${ports.unleash}/health`, { signal: AbortSignal.timeout(2000) });
    if (!response.ok) throw new Error(`GET /health answered ${response.status}`);
  },
};
