import { EXIT, Problem } from './problem.ts';
import { readJson } from './read-json.ts';

/** Reads a file of secrets by name: `{"ada-password": "…"}`. Throws a Problem that tells no secret. */
export async function readNamedSecrets(file: string): Promise<ReadonlyMap<string, string>> {
  const content = await readJson(file);
  const entries =
    typeof content === 'object' && content !== null && !Array.isArray(content) ? Object.entries(content) : [];
  const wrong = entries.find(
    ([name, secret]) => !/^[A-Za-z][\w-]*$/.test(name) || typeof secret !== 'string' || secret.length < 4,
  );
  if (entries.length > 0 && !wrong) return new Map(entries as [string, string][]);
  const what = wrong ? `"${wrong[0]}" is no name, or its secret no text of four characters or more` : 'there are none';
  throw new Problem(`${file} must hold secrets by name, {"ada-password": "…"}: ${what}`, EXIT.usage);
}
