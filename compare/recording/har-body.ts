/** A body of a HAR as it was: a text or bytes; or why it cannot be had. */
export type HarBody = string | Buffer | { readonly unknown: string };

/**
 * The body that is in a HAR as `text` and says how it is encoded. Some tools say base64 and write plain text: what is
 * no base64, or is as it stands already as long as `size` (bytes) says, is taken as text.
 */
export function harBody(text: string, encoding: string | undefined, size?: number): HarBody {
  const coding = (encoding ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'utf-8' || coding === 'utf8') return text;
  if (coding !== 'base64') return { unknown: `its encoding ${coding.slice(0, 40)} is unknown here` };
  const bytes = fromBase64(text);
  const isText = bytes === undefined || (size !== bytes.length && size === Buffer.byteLength(text));
  return isText ? text : bytes;
}

/** RFC 4648, both alphabets, line breaks and missing padding allowed. */
function fromBase64(text: string): Buffer | undefined {
  const digits = text.replace(/[\r\n\t ]+/g, '');
  const [, significant = '', padding = ''] = /^([A-Za-z0-9+/_-]*)(={0,2})$/.exec(digits) ?? [];
  const isWhole = padding === '' ? significant.length % 4 !== 1 : digits.length % 4 === 0;
  return significant.length + padding.length === digits.length && isWhole ? Buffer.from(digits, 'base64') : undefined;
}
