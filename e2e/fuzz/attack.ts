import { type Chance, chanceOf } from '../chance.ts';

/** What one hostile client does on its connection, in order, and how it leaves. */
export type Attack = {
  readonly index: number;
  /** Which of the proxy’s listeners it goes for. */
  readonly at: 'front' | 'metrics';
  /** Bytes to send, each after a pause in milliseconds. */
  readonly steps: readonly { readonly after: number; readonly bytes: Buffer }[];
  /** `wait`: reads until the proxy closes; `end`: half-closes, then the same; `reset`: breaks off. */
  readonly leaves: 'wait' | 'end' | 'reset';
  /** Milliseconds before it leaves. */
  readonly lingers: number;
  /** It reads nothing until it leaves. */
  readonly deaf: boolean;
};

const pick = <T>(chance: Chance, all: readonly T[]): T => all[chance.below(all.length)]!;

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'M-SEARCH',
];
const NAMES = [
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'prototype', 'then'],
  ...['X-User', 'Cookie', 'Authorization', 'Connection', 'Trailer', 'TE', 'Expect', 'Upgrade', 'Host', 'Via', 'Range'],
  ...['Content-Length', 'Transfer-Encoding', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Correlation-Id', 'Keep-Alive'],
  ...['Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Sec-WebSocket-Protocol', 'strangler-fence', 'x-strangler-side'],
];
const VALUES = [
  ...['x', '', '__proto__', 'constructor', '0', '-1', '9007199254740993', 'chunked', 'gzip, chunked', '100-continue'],
  ...[
    'trailers',
    'close',
    'keep-alive, Upgrade',
    'websocket',
    'h2c',
    '13',
    'dGhlIHNhbXBsZSBub25jZQ==',
    'a=1; __proto__=2',
  ],
  ...['Bearer a.eyJzdWIiOiJfX3Byb3RvX18ifQ.c', 'bytes=0-', '\xff\xfe', 'a,b', 'http://127.0.0.1/', 'given-away', '::1'],
];
const INSERTS = [
  '\r\n',
  '\n',
  '\0',
  '\r',
  ':',
  ' ',
  '\t',
  '%00',
  '%2e%2e/',
  '//',
  '\xff',
  '\x7f',
  '0\r\n\r\n',
  'ffffffff\r\n',
];
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

function target(chance: Chance, index: number): string {
  const path = pick(chance, ['/api/orders', '/api/orders/watch', '/api/orders/search', '/shop', '']);
  const odd = pick(chance, ['', '', '', '?__proto__[a]=1&constructor=2', '/%2e%2e/', '/a%2fb', '#x', '/\\', '?x=%zz']);
  // The last part tells the upstream how to misbehave.
  const whole = `${path}/fuzz-${index}${odd}`;
  const others = [`http://a.test${whole}`, `//a${whole}`, `//[${whole}`, '*', 'a.test:443'];
  return pick(chance, [whole, whole, whole, whole, ...others]);
}

/** One request, well made or nearly. */
function request(chance: Chance, index: number): Buffer {
  const upgrades = chance.happens(0.25);
  const method = upgrades ? 'GET' : pick(chance, METHODS);
  const lines = [`${method} ${target(chance, index)} HTTP/1.${chance.happens(0.95) ? 1 : 0}`];
  if (chance.happens(0.97)) lines.push(`Host: ${pick(chance, ['shop.test', 'a', '127.0.0.1:1', '[::1]'])}`);
  if (chance.happens(0.8)) lines.push(`X-User: u${chance.below(500)}`);
  if (upgrades) lines.push(...UPGRADE.filter(() => chance.happens(0.97)));
  for (let more = chance.below(4); more > 0; more--) lines.push(`${pick(chance, NAMES)}: ${pick(chance, VALUES)}`);
  const body = Buffer.alloc(pick(chance, [0, 0, 1, 100, 100, 5_000, 70_000]), 'x');
  const framed = upgrades ? 'none' : pick(chance, ['none', 'length', 'chunked', 'wrong']);
  if (framed === 'none') return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (framed === 'chunked') {
    const head = `${[...lines, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`;
    const chunk = body.length === 0 ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
    return Buffer.from(`${head}${chunk}${chance.happens(0.8) ? '0\r\n\r\n' : ''}`, 'latin1');
  }
  const length = framed === 'wrong' ? body.length + 1 + chance.below(100) : body.length;
  return Buffer.concat([
    Buffer.from(`${[...lines, `Content-Length: ${length}`].join('\r\n')}\r\n\r\n`, 'latin1'),
    body,
  ]);
}

/** The bytes with one thing wrong in them. */
function mutated(chance: Chance, bytes: Buffer): Buffer {
  const at = chance.below(Math.min(bytes.length, 600) + 1);
  const cut = at + chance.below(20);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (chance.below(5)) {
    case 0:
      return Buffer.concat([before, Buffer.from(pick(chance, INSERTS), 'latin1'), after]);
    case 1:
      return Buffer.concat([before, bytes.subarray(cut)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, cut), after]);
    case 3: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = chance.below(256);
      return flipped;
    }
    default:
      return before;
  }
}

/** The attack of this number of this seed: always the same one. */
export function attackOf(seed: number, index: number): Attack {
  const chance = chanceOf(seed, `attack ${index}`);
  const requests = chance.happens(0.3) ? 2 + chance.below(4) : 1;
  let bytes: Buffer = Buffer.concat(Array.from({ length: requests }, () => request(chance, index)));
  while (chance.happens(0.35)) bytes = mutated(chance, bytes);
  const steps: { after: number; bytes: Buffer }[] = [];
  const pieces = chance.happens(0.3) ? 2 + chance.below(3) : 1;
  for (let piece = 0, from = 0; piece < pieces; piece++) {
    const to = piece === pieces - 1 ? bytes.length : from + chance.below(bytes.length - from + 1);
    steps.push({ after: piece === 0 ? 0 : chance.below(20), bytes: bytes.subarray(from, to) });
    from = to;
  }
  // Frames, or garbage that is meant to be some.
  if (chance.happens(0.2))
    steps.push({ after: chance.below(30), bytes: Buffer.from('\x81\x85\0\0\0\0hello\x88\x80', 'latin1') });
  return {
    ...{ index, steps, at: chance.happens(0.03) ? 'metrics' : 'front' },
    leaves: pick(chance, ['wait', 'end', 'end', 'reset', 'reset', 'reset', 'reset', 'reset']),
    lingers: chance.happens(0.3) ? 0 : chance.below(60),
    deaf: chance.happens(0.1),
  };
}
