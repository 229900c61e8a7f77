import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Which of our packages each may import. */
const ALLOWED: Record<string, readonly string[]> = {
  plan: [],
  flags: ['plan'],
  ledger: ['plan'],
  compare: ['plan'],
  // Of the ledger only its sessions: it looks users up.
  'strangler-proxy': ['plan', 'compare', 'ledger'],
  control: ['plan', 'ledger', 'flags', 'compare'],
  cdc: ['plan', 'ledger'],
  cli: ['plan', 'compare', 'strangler-proxy'],
  // For applications that bring their own everything: it needs nothing of ours, and it is all of ours that they import.
  fence: [],
  monolith: ['fence'],
  'extracted-services/orders': ['fence'],
  'extracted-services/notifications': ['fence'],
  // A stranger's: it must not know us.
  'examples/conduit/monolith': [],
  'examples/conduit/articles': [],
  'examples/conduit/tests': ['deploy/local'],
  'deploy/local': [],
};
const ANYTHING = ['e2e', 'bench'];

/** What tests, and what is in a folder `testing/`, may import besides: the servers, and the processes they talk to. */
const IN_TESTS: Record<string, readonly string[]> = {
  fence: ['plan', 'ledger', 'cdc'],
  'extracted-services/orders': ['monolith'],
  'extracted-services/notifications': ['monolith', 'extracted-services/orders'],
  'deploy/local': ['plan'],
};

const packageFolders = [...Object.keys(ALLOWED), ...ANYTHING];
const folderOf = new Map(
  packageFolders.map((folder) => [JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')).name, folder]),
);

const sourcesOf = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.(ts|mjs|cjs|js)$/.test(entry.name) && !entry.parentPath.includes('node_modules'),
    )
    .map((entry) => join(entry.parentPath, entry.name));

const IMPORT = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*'([^']+)'/g;

/** The package folder an import of ours leads to; undefined for a library or the package itself. */
function leadsTo(file: string, folder: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const target = relative(ROOT, resolve(dirname(file), specifier));
    const owner = packageFolders.find((candidate) => target.startsWith(`${candidate}/`));
    return owner === folder ? undefined : (owner ?? target);
  }
  const name = specifier.split('/').slice(0, 2).join('/');
  if (!name.startsWith('@strangler/') && !name.startsWith('@example/')) return undefined;
  const owner = folderOf.get(name) ?? name;
  return owner === folder ? undefined : owner;
}

describe('import directions', () => {
  test.each(Object.keys(ALLOWED))('%s imports only what the house allows', (folder) => {
    const wrong: string[] = [];
    for (const file of sourcesOf(folder)) {
      const tests = /\.test\.ts$|\/testing\//.test(file) ? ['deploy/local', ...(IN_TESTS[folder] ?? [])] : [];
      for (const [, specifier] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
        const target = leadsTo(file, folder, specifier!);
        if (target && ![...ALLOWED[folder]!, ...tests].includes(target))
          wrong.push(`${relative(ROOT, file)} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('every package is in the list', () => {
    const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] };
    const expanded = workspaces.flatMap((one) =>
      one.endsWith('/*')
        ? readdirSync(join(ROOT, one.slice(0, -2)))
            .map((name) => `${one.slice(0, -1)}${name}`)
            .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
        : [one],
    );
    expect(expanded.sort()).toEqual([...packageFolders].sort());
  });
});

/** What each node leads to, directly. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** A way from a node back to itself, if there is one: `a → b → a`. */
function circleIn(graph: Graph): string | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node].join(' → ');
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
  }
  return undefined;
}

/** The files of a package without its tests, and which of them each imports. */
function filesOf(folder: string): Graph {
  const inside = packageFolders.filter((other) => other.startsWith(`${folder}/`));
  const files = sourcesOf(folder).filter(
    (file) => !/\.test\.ts$/.test(file) && !inside.some((other) => relative(ROOT, file).startsWith(`${other}/`)),
  );
  const imports = (file: string) =>
    [...readFileSync(file, 'utf8').matchAll(IMPORT)]
      .map(([, specifier]) => resolve(dirname(file), specifier!))
      .filter((target) => files.includes(target));
  return new Map(
    files.map((file) => [relative(ROOT, file), new Set(imports(file).map((target) => relative(ROOT, target)))]),
  );
}

/** The folders of a package, and to which others each leads; what stands beside them wires them, or serves them all. */
function roomsOf(folder: string, files: Graph): Graph {
  const roomOf = (file: string) => relative(folder, dirname(file)).split('/')[0];
  const rooms = new Map<string, Set<string>>();
  for (const [file, targets] of files) {
    const room = roomOf(file);
    if (!room || room === 'testing') continue;
    const others = [...targets].map(roomOf).filter((other) => other && other !== room) as string[];
    rooms.set(room, (rooms.get(room) ?? new Set()).union(new Set(others)));
  }
  return rooms;
}

describe('no circles', () => {
  test('are found where they are', () => {
    const circle = new Map([
      ['a', new Set(['b'])],
      ['b', new Set(['c'])],
      ['c', new Set(['b'])],
    ]);
    expect(circleIn(circle)).toBe('b → c → b');
    expect(filesOf('cdc').get('cdc/apply/applier.ts')).toContain('cdc/apply/prepare.ts');
    expect(roomsOf('cdc', filesOf('cdc')).get('apply')).toContain('rows');
  });

  test.each(packageFolders)('%s has none among its files', (folder) => {
    expect(circleIn(filesOf(folder))).toBeUndefined();
  });

  test.each(packageFolders)('%s has none among its rooms', (folder) => {
    expect(circleIn(roomsOf(folder, filesOf(folder)))).toBeUndefined();
  });
});

describe('one meaning per name', () => {
  const PRODUCT = ['plan', 'flags', 'ledger', 'fence', 'strangler-proxy', 'control', 'cdc', 'compare', 'cli'];
  const DECLARED = /^export (?:interface|type|(?:abstract )?class) (\w+)/gm;

  /** Every name of a type that the packages export, with the files that declare it. */
  const typesOf = (folders: readonly string[]): ReadonlyMap<string, readonly string[]> => {
    const declared = folders.flatMap((folder) =>
      sourcesOf(folder)
        .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
        .flatMap((file) =>
          [...readFileSync(file, 'utf8').matchAll(DECLARED)].map(([, name]) => ({ name: name!, file })),
        ),
    );
    return new Map(
      Object.entries(Object.groupBy(declared, ({ name }) => name)).map(([name, found]) => [
        name,
        found!.map(({ file }) => relative(ROOT, file)),
      ]),
    );
  };

  test('an exported type of the toolkit is declared in one place', () => {
    const types = typesOf(PRODUCT);
    expect(types.get('HandoffParts')).toEqual(['control/handoff-parts.ts']); // they are found at all
    expect([...types].filter(([, files]) => files.length > 1)).toEqual([]);
  });
});
