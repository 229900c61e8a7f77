import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const HELP = `npm run fuzz -- [--connections N] [--seed N] [--from N]

Lets hostile clients loose on a real proxy process, on raw sockets, with upstreams that misbehave: it must not end, hang
or complain, and must serve as before.

  --connections N  how many clients (20000)
  --seed N         the same clients for the same seed (today’s day)
  --from N         begin with client N of the seed: to repeat what a run has found
  --help           this text

Exit code 0: nothing found.`;

const DAY_MS = 86_400_000;
const number = { type: 'string' } as const;
const { values } = parseArgs({
  options: { connections: number, seed: number, from: number, help: { type: 'boolean' } },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}
const whole = (name: 'connections' | 'seed' | 'from', byDefault: number): number => {
  const given = values[name] ?? String(byDefault);
  if (/^\d{1,15}$/.test(given)) return Number(given);
  console.error(`--${name} must be a whole number, not ${given}\n${HELP}`);
  process.exit(2);
};
const asked = {
  ...{ connections: whole('connections', 20_000), from: whole('from', 0) },
  seed: whole('seed', Math.floor(Date.now() / DAY_MS)),
};
const report = await fuzz(asked, (done) => {
  if (done % 10_000 === 0) console.log(`${done} connections`);
});
console.log(
  `seed ${report.seed}: ${report.connections} connections in ${report.milliseconds} ms, ${report.faults.length} faults`,
);
for (const fault of report.faults) console.log(fault);
process.exit(report.faults.length > 0 ? 1 : 0);
