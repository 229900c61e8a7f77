import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { type Rule, validateRules } from '@strangler/compare';
import type { Logger } from 'pino';

/** How often a file of rules is looked at, ms. */
const POLL_MS = 1_000;

/** The rules in a file. Throws an Error that names the file, and the line or the rule that is wrong. */
export function readRules(file: string): readonly Rule[] {
  try {
    return validateRules(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new Error(`the rules in ${file} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/** Gives the rules whenever the file has changed; wrong ones are logged, and those before stay. Returns its stop. */
export function watchRules(file: string, onRules: (rules: readonly Rule[]) => void, log: Logger): () => void {
  const look = () => {
    try {
      const rules = readRules(file);
      onRules(rules);
      log.info({ file, rules: rules.length }, 'the rules of comparing have changed');
    } catch (error) {
      log.error({ err: error, file }, 'the rules of comparing have changed and are wrong; those before stay in force');
    }
  };
  watchFile(file, { interval: POLL_MS, persistent: false }, look);
  return () => unwatchFile(file, look);
}
