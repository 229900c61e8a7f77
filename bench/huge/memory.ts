import { readFileSync, writeFileSync } from 'node:fs';

/** A process's memory as the kernel counts it, in MiB (Linux). */
export type Memory = { readonly now: number; readonly peak: number };

/** Reads the resident memory of a process, and its peak since the last `forgetPeak`. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { now: field(status, 'VmRSS'), peak: field(status, 'VmHWM') };
}

/** Lets the peak start over. */
export const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

function field(status: string, name: string): number {
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  if (kibibytes === undefined) throw new Error(`the kernel says no ${name}`);
  return Number(kibibytes) / 1_024;
}
