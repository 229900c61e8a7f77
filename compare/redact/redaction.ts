import type { Json } from '../reply/json.ts';

/** What must not be kept, beside what is always taken out. */
export interface Redaction {
  /** Header names. */
  readonly headers?: readonly string[];
  /** Paths in JSON and form bodies: `$.user.iban`, `$..phone`. */
  readonly paths?: readonly string[];
  /** Names of members, query parameters and form fields, at any depth; case, `_` and `-` do not matter. */
  readonly names?: readonly string[];
  /** What to take out of any text. */
  readonly patterns?: readonly RegExp[];
  /** With a key, equal secrets become equal marks, so that one still sees what belongs together. */
  readonly key?: string;
  /** Secrets one knows, and what each is called: `[known NAME]` stands where it stood, whatever is around it. */
  readonly known?: ReadonlyMap<string, string>;
}

/** Takes secrets out of what is to be stored or shown. Nothing given to it is changed. */
export interface Redactor {
  text(text: string): string;
  /** What stands for this secret. */
  secret(secret: string): string;
  /** True if what has this name is a secret. */
  isSecretName(name: string): boolean;
  json(value: Json): Json;
  headers(headers: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]>;
  /** A path with its query. */
  url(url: string): string;
  /** The sample of a difference at this path: a line of JSON, perhaps cut. */
  sample(path: string, sample: string): string;
  /** A body as it came, read by its media type; what is neither text, JSON nor form is left out altogether. */
  body(text: string, media: string): string;
}
