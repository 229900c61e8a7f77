import { parseDuration, parseSize } from '@strangler/plan';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT, Problem } from './problem.ts';

export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;

export const readCount = (text: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is no count: use 1 to 999999.');
  return Number(text);
};

const asIs = (text: string): string => text;
/** An option that may be given again and again. */
export const repeated = (flags: string, description: string, read = asIs): Option =>
  new Option(flags, `${description}; may be repeated`)
    .argParser((one: string, all: readonly string[]) => [...all, read(one)])
    .default([], 'none');
/** An option with a default that people would write otherwise than the program has it. */
export const sized = (flags: string, description: string, read: (text: string) => number, preset: string): Option =>
  new Option(flags, description).argParser(read).default(read(preset), preset);

export const readTime = (text: string): number => {
  const ms = parseDuration(text);
  if (ms) return ms;
  throw new Problem(`${text} is no duration: use 10m, 12h or 7d`, EXIT.usage);
};

export const readBytes = (text: string): number => {
  const bytes = parseSize(text);
  if (bytes) return bytes;
  throw new Problem(`${text} is no size: use 64KiB, 1MiB or 2GiB`, EXIT.usage);
};

/** A command that talks to control, or reads the Plan to do so. */
export const talking = (command: Command): Command =>
  command
    .option('--plan <file>', 'the Plan', 'strangler.yaml')
    .option('--control <url>', 'address of control, instead of the Plan’s control.listen');
