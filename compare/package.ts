import { execFileSync } from 'node:child_process';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const SOURCE = import.meta.dirname;
const ROOT = resolve(SOURCE, '..');

/**
 * Builds what people install: CommonJS with types, which `import` and `require` both take, for Node 20 and later and
 * without dependencies. Returns the path of the tarball, in `folder`, which it empties first. Throws what tsc or npm say.
 */
export async function packCompare(folder: string): Promise<string> {
  const [sources, build] = [join(folder, 'sources'), join(folder, 'package')];
  await rm(folder, { recursive: true, force: true });
  await mkdir(sources, { recursive: true });
  for await (const file of glob('**/*.ts', { cwd: SOURCE, exclude: ['node_modules', 'recording', 'testing'] })) {
    if (!/\.test\.ts$|^package\.ts$/.test(file)) await cp(join(SOURCE, file), join(sources, file));
  }
  const manifest = JSON.parse(await readFile(join(SOURCE, 'package.json'), 'utf8'));
  // The type of the nearest package.json decides what tsc writes.
  await writeFile(join(sources, 'package.json'), JSON.stringify({ type: 'commonjs' }));
  await writeFile(join(sources, 'tsconfig.json'), JSON.stringify(compilerOptions(build)));
  run(join(ROOT, 'node_modules/.bin/tsc'), ['--project', sources], folder);
  // tsc leaves the endings of types as they are, which compilers before 5.7 do not take.
  for await (const file of glob('**/*.d.ts', { cwd: build })) {
    const types = await readFile(join(build, file), 'utf8');
    await writeFile(join(build, file), types.replace(/(['"]\.{1,2}\/[\w/-]+)\.ts(['"])/g, '$1.js$2'));
  }
  await writeFile(join(build, 'package.json'), JSON.stringify(published(manifest), undefined, 2));
  await cp(join(SOURCE, 'README.md'), join(build, 'README.md'));
  await cp(join(ROOT, 'LICENSE'), join(build, 'LICENSE'));
  const packed = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], build));
  return join(folder, (packed as { filename: string }[])[0]!.filename);
}

const compilerOptions = (outDir: string) => ({
  extends: join(ROOT, 'tsconfig.json'),
  compilerOptions: {
    noEmit: false,
    outDir,
    rootDir: '.',
    declaration: true,
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: false,
    // What Node 20 knows.
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    paths: { '@jest/globals': [join(ROOT, 'node_modules/@jest/globals')], expect: [join(ROOT, 'node_modules/expect')] },
  },
  include: ['**/*.ts'],
  exclude: [],
});

function published({ name, version, description, license, engines }: Record<string, unknown>) {
  const entry = (file: string) => ({ types: `./${file}.d.ts`, default: `./${file}.js` });
  return {
    name,
    version,
    description,
    license,
    engines,
    type: 'commonjs',
    main: './index.js',
    types: './index.d.ts',
    exports: { '.': entry('index'), './jest': entry('jest'), './package.json': './package.json' },
    sideEffects: ['./jest.js'],
  };
}

function run(command: string, commandArguments: readonly string[], cwd: string): string {
  try {
    return execFileSync(command, commandArguments, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${commandArguments.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, {
      cause: error,
    });
  }
}

if (import.meta.main)
  console.log(await packCompare(resolve(process.argv[2] ?? join(ROOT, '.strangler', 'compare-package'))));
