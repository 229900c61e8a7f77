import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repository } from './home.ts';

interface LockedPackage {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test('npm ci accepts the lock file: it names the optional packages of other platforms too', () => {
  // npm leaves out of a lock file what the registry at hand does not offer, and `npm ci` then refuses everywhere.
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const named = (name: string) => Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`));
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !named(name));
  expect([...new Set(missing)]).toEqual([]);
});
