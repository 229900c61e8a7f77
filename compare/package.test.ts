import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packCompare } from './package.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PACKAGE = '@strangler/compare';
let folder: string;
let project: string;

/** Runs a program in the project; NODE_PATH stands for what such a project has installed already (jest, supertest …). */
const run = (command: string, ...given: string[]) => {
  const { NODE_OPTIONS: _, ...environment } = process.env;
  const env = { ...environment, NODE_PATH: join(ROOT, 'node_modules') };
  try {
    return execFileSync(command, given, { cwd: project, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return `${stdout}${stderr}`;
  }
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strangler-compare-'));
  project = join(folder, 'project');
  await mkdir(project);
  const tarball = await packCompare(join(folder, 'built'));
  await writeFile(join(project, 'package.json'), '{ "name": "shop", "private": true }\n');
  run('npm', 'install', '--offline', '--no-audit', '--no-fund', tarball);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const app = `
  const express = require('express');
  exports.shop = (total) => {
    const app = express();
    app.get('/orders/:id', (request, response) => response.json({ id: Number(request.params.id), total }));
    return app;
  };`;

describe('the package, installed into an empty CommonJS project', () => {
  test('is taken by require and by import, as one and the same', async () => {
    const use = `const { kind } = compareReplies(toReply({ status: 200, headers: {}, body: { a: 1 } }), toReply({ status: 200, headers: {}, body: { a: 2 } }));`;
    await writeFile(
      join(project, 'use.js'),
      `const { compareReplies, toReply } = require('${PACKAGE}'); ${use} console.log(kind);`,
    );
    await writeFile(
      join(project, 'use.mjs'),
      `import { compareReplies, RuleSet, toReply } from '${PACKAGE}'; import { createRequire } from 'node:module'; ${use}
       console.log(kind, createRequire(import.meta.url)('${PACKAGE}').RuleSet === RuleSet);`,
    );
    expect(run(process.execPath, 'use.js')).toBe('mismatch\n');
    expect(run(process.execPath, 'use.mjs')).toBe('mismatch true\n');
  });

  test('needs nothing else: no dependency comes with it', () => {
    expect(JSON.parse(run('npm', 'ls', '--all', '--json')).dependencies[PACKAGE]).not.toHaveProperty('dependencies');
  });

  test('gives a plain jest suite toMatchLegacy and compareSuites, with supertest', async () => {
    await writeFile(join(project, 'shop.js'), app);
    await writeFile(
      join(project, 'legacy.test.js'),
      `require('${PACKAGE}/jest');
       const { compareSuites } = require('${PACKAGE}');
       const request = require('supertest');
       const { shop } = require('./shop.js');
       const cases = [{ name: 'reads an order', method: 'GET', path: '/orders/7' }];
       const rules = [{ id: 'texts', reason: 'pg gives texts', path: '$.total', kind: 'numeric-string-is-number', routes: ['GET /orders/*'] }];
       test('agrees', async () => {
         const [old, newer] = [await request(shop(5)).get('/orders/7'), await request(shop('5.00')).get('/orders/7')];
         expect(newer).toMatchLegacy(old, rules);
         expect(newer).not.toMatchLegacy(old);
         expect((await compareSuites(shop(5), shop('5.00'), cases, { rules })).agreed).toBe(true);
       });
       test('is off by a cent', async () => {
         const [old, newer] = [await request(shop(5)).get('/orders/7'), await request(shop('5.01')).get('/orders/7')];
         expect(newer).toMatchLegacy(old, rules);
       });`,
    );
    const out = run(process.execPath, join(ROOT, 'node_modules/jest/bin/jest.js'), '--rootDir', project, '--ci');
    expect(out).toContain('✓ agrees');
    expect(out).toContain('✕ is off by a cent');
    expect(out).toContain('$.total  value (medium)\n        5 → "5.01"');
    expect(out).toContain('1 failed, 1 passed');
  });

  test('carries its types', async () => {
    await writeFile(
      join(project, 'use.ts'),
      `import { compareSuites, type Rule, type SuiteReport } from '${PACKAGE}';
       import '${PACKAGE}/jest';
       import { expect } from '@jest/globals';
       const rules: Rule[] = [{ id: 'a', reason: 'b', path: '$.c', kind: 'tolerance', absolute: 0.01 }];
       export const report: Promise<SuiteReport> = compareSuites('http://old', 'http://new', [], { rules });
       expect({}).toMatchLegacy({ status: 200, headers: {} }, rules);
       // @ts-expect-error there is no such kind
       export const wrong: Rule = { id: 'a', reason: 'b', path: '$', kind: 'hide' };`,
    );
    const options = {
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules/@types')],
        paths: {
          '@jest/globals': [join(ROOT, 'node_modules/@jest/globals')],
          expect: [join(ROOT, 'node_modules/expect')],
        },
      },
      files: ['use.ts'],
    };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(options));
    expect(run(join(ROOT, 'node_modules/.bin/tsc'))).toBe('');
  });
});
