import { isUtf8 } from 'node:buffer';
import type { Redactor } from '../redact/redaction.ts';

/** Nothing can be taken out of bytes: true if there is nothing to be taken out. */
export const isHarmless = (bytes: Buffer, redactor: Redactor): boolean => {
  const text = bytes.toString('latin1');
  return !PACKED.some((begin) => text.startsWith(begin)) && redactor.text(text) === text;
};

/** What gzip and zip files begin with: nobody can say what is in them. */
const PACKED = ['\u001f\u008b', 'PK\u0003\u0004'];

/** A form of several parts (RFC 7578) without its secrets, or undefined if they cannot be taken out. */
export function withoutSecrets(bytes: Buffer, mediaType: string, redactor: Redactor): Buffer | undefined {
  const boundary = /\bboundary="?([^";]+)"?/i.exec(mediaType)?.[1];
  if (!boundary) return undefined;
  const [before, ...parts] = bytes.toString('latin1').split(`--${boundary}`);
  const end = parts.pop();
  if (before !== '' || !end?.startsWith('--')) return undefined;
  const kept = parts.map((part) => partWithoutSecrets(part, redactor));
  if (kept.includes(undefined)) return undefined;
  return Buffer.from([...kept, '--\r\n'].map((part) => `--${boundary}${part}`).join(''), 'latin1');
}

/** Bytes as latin1 text, in and out. */
function partWithoutSecrets(part: string, redactor: Redactor): string | undefined {
  const [, head = '', content = ''] = /^(\r\n(?:[^\r\n]+\r\n)+\r\n)([\s\S]*)\r\n$/.exec(part) ?? [];
  if (head === '' || redactor.text(head) !== head) return undefined;
  const bytes = Buffer.from(content, 'latin1');
  if (!isUtf8(bytes)) return isHarmless(bytes, redactor) ? part : undefined;
  const name = /\bname="?([^";\r\n]+)/i.exec(head)?.[1] ?? '';
  const text = bytes.toString();
  const kept = redactor.isSecretName(name) ? redactor.secret(text) : redactor.body(text, 'text/plain');
  return `${head}${Buffer.from(kept).toString('latin1')}\r\n`;
}
