import { readFile } from 'node:fs/promises';
import { EXIT, Problem } from './problem.ts';

/** The JSON in a file. Throws a Problem that says why it cannot be read. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Problem(`${file} cannot be read: ${(cause as Error).message}`, EXIT.usage, { cause });
  }
}
