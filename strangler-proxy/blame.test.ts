import { expect, test } from '@jest/globals';
import { errors } from 'undici';
import { Abandoned, blame, type Ending, PATIENCE_MS } from './blame.ts';
import { Cut, TooLarge, Unfinished } from './body.ts';
import { BadAnswer } from './response.ts';

const failure = (code: string) => Object.assign(new Error(code), { code });
/** A request that was made correctly and went out whole. */
const ENDING: Ending = {
  ...{ error: undefined, sent: true, body: 'sent', status: 0, bodyAtAnswer: undefined, unread: false },
  ...{ after: 5, isUpgrade: false },
};
const answered = (status: number): Partial<Ending> => ({ status, bodyAtAnswer: 'sent' });
const known = true;
const unknown = false;

type Row = readonly [
  title: string,
  ending: Partial<Ending>,
  fault: ReturnType<typeof blame>['fault'],
  hard: boolean,
  fateKnown: boolean,
];
const TABLE: Row[] = [
  ['an answer', answered(200), 'none', false, known],
  ['an answer 4xx', answered(404), 'none', false, known],
  ['an answer 5xx', answered(503), 'side', false, known],
  ['an upgrade answered 101', { status: 101, isUpgrade: true }, 'none', false, known],
  ['an upgrade answered 5xx', { status: 503, isUpgrade: true }, 'side', false, known],
  [
    'a 5xx at once, before the client has sent its body',
    { status: 503, bodyAtAnswer: 'coming', body: 'coming' },
    'side',
    false,
    known,
  ],
  [
    'a 5xx when the client has owed its body for a while',
    { status: 503, bodyAtAnswer: 'coming', body: 'coming', after: PATIENCE_MS },
    'client',
    false,
    known,
  ],
  [
    'a 5xx while the side does not read a body that is here',
    { status: 500, bodyAtAnswer: 'here' },
    'side',
    false,
    known,
  ],

  ['connection refused', { error: failure('ECONNREFUSED'), sent: false }, 'side', true, known],
  ['connect timeout', { error: failure('UND_ERR_CONNECT_TIMEOUT'), sent: false }, 'side', true, known],
  ['name not found', { error: failure('ENOTFOUND'), sent: false }, 'side', true, known],
  ['the name server does not answer', { error: failure('EAI_AGAIN'), sent: false }, 'side', true, known],
  ['the name server fails for good', { error: failure('EAI_FAIL'), sent: false }, 'side', true, known],
  ['a certificate that does not hold', { error: failure('CERT_HAS_EXPIRED'), sent: false }, 'side', true, known],
  [
    'connection refused while the client drips',
    { error: failure('ECONNREFUSED'), sent: false, body: 'coming' },
    'side',
    true,
    known,
  ],
  ['no answer in time', { error: failure('UND_ERR_HEADERS_TIMEOUT') }, 'side', true, unknown],
  [
    'no answer in time to an upload the side does not read',
    { error: failure('UND_ERR_HEADERS_TIMEOUT'), body: 'coming' },
    'side',
    true,
    known,
  ],
  ['a reset before the head', { error: failure('ECONNRESET') }, 'side', true, unknown],
  ['closed before the head', { error: failure('UND_ERR_SOCKET') }, 'side', true, unknown],
  ['a reset in the answer', { error: failure('ECONNRESET'), ...answered(200) }, 'side', false, known],
  ['silence in the answer', { error: failure('UND_ERR_BODY_TIMEOUT'), ...answered(200) }, 'side', false, known],
  ['garbage', { error: new errors.HTTPParserError('Expected HTTP/') }, 'side', true, unknown],
  ['an answer with two lengths', { error: new BadAnswer('two') }, 'side', true, unknown],
  [
    'a head Node will not write to the client',
    { error: failure('ERR_INVALID_CHAR'), bodyAtAnswer: 'sent' },
    'side',
    true,
    unknown,
  ],
  [
    'a request Node will not write to the side',
    { error: failure('ERR_INVALID_CHAR'), sent: false },
    'client',
    false,
    known,
  ],
  ['a head that is too large', { error: failure('UND_ERR_HEADERS_OVERFLOW') }, 'side', true, unknown],

  ['a reset of an upgrade', { error: failure('ECONNRESET'), isUpgrade: true }, 'nobody', false, unknown],
  ['no answer to an upgrade in time', { error: failure('ETIMEDOUT'), isUpgrade: true }, 'nobody', false, unknown],
  [
    'garbage in answer to an upgrade',
    { error: failure('HPE_INVALID_CONSTANT'), isUpgrade: true },
    'nobody',
    false,
    unknown,
  ],
  [
    'a head too large in answer to one',
    { error: failure('HPE_HEADER_OVERFLOW'), isUpgrade: true },
    'nobody',
    false,
    unknown,
  ],
  ['an upgrade nobody asked for', { error: new BadAnswer('x'), isUpgrade: true }, 'nobody', false, unknown],
  [
    'an upgrade refused a connection',
    { error: failure('ECONNREFUSED'), sent: false, isUpgrade: true },
    'side',
    true,
    known,
  ],
  [
    'no connection for an upgrade in time',
    { error: failure('ETIMEDOUT'), sent: false, isUpgrade: true },
    'side',
    true,
    known,
  ],
  [
    'no file descriptors left for an upgrade',
    { error: failure('EMFILE'), sent: false, isUpgrade: true },
    'proxy',
    false,
    known,
  ],

  ['the client of a read has gone', { error: new Abandoned() }, 'client', false, unknown],
  ['the client broke its upload off', { error: new Unfinished(), body: 'coming' }, 'client', false, known],
  [
    'the client broke off an upload the side had answered early',
    { error: new Unfinished(), body: 'coming', status: 200, bodyAtAnswer: 'coming' },
    'client',
    false,
    unknown,
  ],
  [
    'the client broke off an upload the side had answered with a 1xx',
    { error: new Unfinished(), body: 'coming', bodyAtAnswer: 'coming' },
    'client',
    false,
    unknown,
  ],
  ['a body above the limit', { error: new TooLarge(), body: 'coming' }, 'client', false, known],
  [
    'a reset while the client drips',
    { error: failure('ECONNRESET'), body: 'coming', after: PATIENCE_MS },
    'client',
    false,
    known,
  ],
  [
    'garbage while the client drips',
    { error: new BadAnswer('x'), body: 'coming', after: PATIENCE_MS },
    'client',
    false,
    known,
  ],
  ['a reset midway, at once', { error: failure('ECONNRESET'), body: 'coming' }, 'nobody', false, known],
  [
    'a reset midway, after the side has said that it wants no more',
    { error: failure('ECONNRESET'), body: 'coming', status: 413, bodyAtAnswer: 'coming' },
    'client',
    false,
    unknown,
  ],
  [
    'a reset midway, after the side has said at once that it is broken',
    { error: failure('ECONNRESET'), body: 'coming', status: 500, bodyAtAnswer: 'coming' },
    'side',
    false,
    unknown,
  ],
  ['a reset once the body was here', { error: failure('ECONNRESET'), body: 'here' }, 'side', true, known],
  [
    'a reset of an answer its client would not read',
    { error: failure('ECONNRESET'), ...answered(200), unread: true },
    'client',
    false,
    known,
  ],
  [
    'a reset after an early answer',
    { error: failure('ECONNRESET'), status: 200, bodyAtAnswer: 'coming' },
    'side',
    false,
    unknown,
  ],
  ['a request undici will not send', { error: failure('UND_ERR_INVALID_ARG'), sent: false }, 'client', false, known],

  ['an upload we cut in favour of a handoff', { error: new Cut(), body: 'coming' }, 'proxy', false, known],
  [
    'the same although the side had answered early',
    { error: new Cut(), body: 'coming', bodyAtAnswer: 'coming' },
    'proxy',
    false,
    unknown,
  ],
  ['our own stop', { error: failure('UND_ERR_DESTROYED') }, 'proxy', false, unknown],
  ['our own stop before it was sent', { error: failure('UND_ERR_CLOSED'), sent: false }, 'proxy', false, known],
  ['no file descriptors left', { error: failure('EMFILE'), sent: false }, 'proxy', false, known],
  ['no local ports left', { error: failure('EADDRNOTAVAIL'), sent: false }, 'proxy', false, known],
  ['a mistake in this program', { error: new TypeError('x is not a function') }, 'proxy', false, unknown],
  ['a mistake in a library', { error: failure('ERR_ASSERTION') }, 'proxy', false, unknown],
];

test.each(TABLE)('whose it is: %s', (_, ending, fault, hard, fateKnown) => {
  expect(blame({ ...ENDING, ...ending })).toMatchObject({ fault, hard, fateKnown });
});
