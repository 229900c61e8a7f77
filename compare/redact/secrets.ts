/** Headers that carry credentials. */
export const SECRET_HEADERS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
  'x-csrf-token',
  'x-xsrf-token',
  'x-amz-security-token',
];

/** Members and parameters that are secrets by their names, without `_` and `-`. */
export const SECRET_NAMES: readonly string[] = [
  ...[
    'password',
    'passwd',
    'pwd',
    'passphrase',
    'secret',
    'clientsecret',
    'apikey',
    'privatekey',
    'signature',
    'otp',
    'pin',
  ],
  ...[
    'token',
    'accesstoken',
    'refreshtoken',
    'idtoken',
    'sessiontoken',
    'csrftoken',
    'session',
    'sessionid',
    'authorization',
  ],
  ...['card', 'cardnumber', 'cvc', 'cvv', 'iban', 'ssn', 'email'],
];

/** What longer such names end with: `newPassword`, `stripe_secret`. */
export const SECRET_ENDINGS =
  /(?:password|passwd|passphrase|secret|token|apikey|privatekey|secretkey|accesskey|jwt|credentials?)$/;

/** A kind of secret that can be told by its looks. Anybody writes these texts: no pattern may take more than linear time. */
export interface Secret {
  readonly name: string;
  /** Of a pattern with a group `kept` that stays as it is; the secret follows. */
  readonly pattern: RegExp;
  /** Refuses what only looks alike. */
  readonly isOne?: (text: string) => boolean;
}

/**
 * A JWT, behind what stands before it in the same word. That two more parts follow is looked up once per word, so that a
 * word of nothing but beginnings is not read to its end from each of them.
 */
const JWT = /(?<![\w-])(?=[\w-]+\.[\w-]{5,}\.)(?<kept>(?:[\w-]*?-)??)eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;

export const SECRETS: readonly Secret[] = [
  { name: 'key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g },
  { name: 'token', pattern: JWT },
  { name: 'token', pattern: /\b(?:Bearer|Basic|Token)\s+[\w.~+/=-]{8,}/gi },
  {
    name: 'key',
    pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[opsur]_\w{20,}|\bxox[abprs]-[\w-]{10,}|\b[sr]k_(?:live|test)_\w{10,}/g,
  },
  { name: 'password', pattern: /(?<=:\/\/[^\s:/@]{1,64}:)[^\s@/]{1,256}(?=@)/g },
  { name: 'e-mail', pattern: /[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z\d](?:[a-z\d-]{0,62}\.)+[a-z]{2,24}\b/gi },
  { name: 'card', pattern: /(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.-])/g, isOne: passesLuhn },
  { name: 'iban', pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,7}(?: ?[A-Z\d]{1,3})?\b/g, isOne: isIban },
];

/** Every text in which one of them is found matches this, and few others do: most texts need no closer look. */
export const MAY_HOLD_SECRETS =
  /@|eyJ|(?:Bearer|Basic|Token)\s|AKIA|ASIA|gh[opsur]_|xox|[sr]k_|-----BEGIN|\d(?:[ -]?\d){12}|[A-Z]{2}\d{2} ?[A-Z\d]{4}/i;

/** The check digit every payment card has; ids of as many digits pass it one time in ten. */
function passesLuhn(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]);
    sum += at % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0 && /[1-9]/.test(digits);
}

/** ISO 7064, remainder 97. */
function isIban(text: string): boolean {
  const plain = text.replaceAll(' ', '');
  const digits = `${plain.slice(4)}${plain.slice(0, 4)}`.replace(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  );
  let rest = 0;
  for (const digit of digits) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}
