import { availableParallelism, cpus, loadavg } from 'node:os';

/** Where figures come from; `load` is the machine’s load average before the run, so 0 is an idle machine. */
export const machine = () => ({
  cores: availableParallelism(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  node: process.versions.node,
  load: Number(loadavg()[0]!.toFixed(2)),
});
