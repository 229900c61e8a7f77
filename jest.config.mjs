// Three projects: `unit` needs nothing running; `servers` runs against the real MySQL, Postgres, Kafka, Connect and
// Unleash, which its global set-up starts once; `story` runs whole programs on them, alone, because it is about time too.
// A test that needs servers is named *.servers.test.ts, a story *.story.test.ts.
const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.strangler/'],
};

const withServers = { globalSetup: '<rootDir>/e2e/servers-up.mjs', globalTeardown: '<rootDir>/e2e/servers-down.mjs' };

export default {
  testTimeout: 180_000,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.(servers|story)\\.test\\.ts$'],
    },
    { ...base, ...withServers, displayName: 'servers', testMatch: ['**/*.servers.test.ts'] },
    { ...base, ...withServers, displayName: 'story', testMatch: ['**/*.story.test.ts'] },
  ],
};
