import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { down, reset, status } from './commands.ts';
import { homeOf } from './home.ts';
import { allParts, namedParts } from './parts.ts';
import { describeProblem } from './problem.ts';
import { logFile } from './supervisor.ts';
import { up } from './up.ts';

/** An address for a person: `127.0.0.1:13306  user root  password …`. */
function sayAddress(address: object): string {
  const { host, port, ...rest } = address as Record<string, unknown>;
  const named = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return [...(host ? [`${host}:${port}`] : []), ...named].join('  ');
}

const help = `Usage: npm run servers -- COMMAND [PART…]

  up [PART…]       start the servers (all, or those named and what they need) and wait until they answer
  down [PART…]     stop them (all, or those named)
  status [--json]  address, credentials, process and state of each
  logs [PART…]     the end of their logs; --follow goes on
  reset            stop everything and delete the data (downloads stay)

Parts: mysql, postgres, kafka, connect, unleash.
  --port NAME=N    another port (mysql, postgres, kafka, controller, connect, unleash); remembered.
                   Or by the environment: STRANGLER_PORT_MYSQL=…
  STRANGLER_HOME       where data, logs and downloads are kept (default: .strangler in the repository)
  STRANGLER_DOWNLOADS  where downloads are kept, if they are to be shared
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      follow: { type: 'boolean', short: 'f', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...parts] = positionals;
  const home = homeOf();
  const print = (line: string) => console.log(line);
  if (values.help || !command) return print(help);
  if (command === 'up') {
    await up({ parts, ports: values.port, home, progress: print });
  } else if (command === 'down') {
    await down(parts, home, print);
  } else if (command === 'reset') {
    await reset(home, print);
  } else if (command === 'status') {
    const now = await status(home);
    if (values.json) return print(JSON.stringify(now, null, 2));
    print(now.supervisor === null ? 'no supervisor' : `supervisor: process ${now.supervisor}`);
    for (const [name, part] of Object.entries(now.parts)) {
      const { state, pid, restarts, error, ...address } = part;
      print(`${name.padEnd(9)} ${state.padEnd(9)} ${String(pid ?? '').padEnd(8)} ${sayAddress(address)}`);
      if (error) print(state === 'failed' ? error : `          restarted ${restarts} times; ${error.split('\n')[0]}`);
    }
  } else if (command === 'logs') {
    const named = parts.length > 0 ? namedParts(parts) : ([...allParts, 'supervisor'] as const);
    const files = named.map((name) => logFile(home, name)).filter((file) => existsSync(file));
    if (files.length === 0) return print(`no logs in ${home.logs} yet`);
    spawn('tail', ['-n', '40', ...(values.follow ? ['-F'] : []), ...files], { stdio: 'inherit' });
  } else {
    throw new RangeError(`there is no command "${command}"\n\n${help}`);
  }
}

try {
  await main();
} catch (error) {
  console.error(describeProblem(error));
  process.exitCode = error instanceof RangeError || error instanceof TypeError ? 2 : 1;
}
