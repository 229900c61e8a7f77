import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { chanceOf } from '../chance.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const BIG = 'x'.repeat(200_000);

type Behaviour = (socket: Socket) => void;
const says =
  (bytes: string): Behaviour =>
  (socket) =>
    socket.write(Buffer.from(bytes, 'latin1'));
const saysAndResets =
  (bytes: string): Behaviour =>
  (socket) =>
    socket.write(Buffer.from(bytes, 'latin1'), () => socket.resetAndDestroy());
const saysAndEnds =
  (bytes: string): Behaviour =>
  (socket) =>
    socket.end(Buffer.from(bytes, 'latin1'));

/** How an upstream may answer: properly, and in all the ways it must not. */
const BEHAVIOURS: readonly Behaviour[] = [
  ...[says(OK), says(OK), says(OK), says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n')],
  says('HTTP/1.1 204 No Content\r\n\r\n'),
  says('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n'),
  says(
    'HTTP/1.1 302 Found\r\nLocation: //127.0.0.1:1/\\\r\nSet-Cookie: a=1; Domain=127.0.0.1; domain\r\nLink: <<>\r\nContent-Length: 0\r\n\r\n',
  ),
  says('HTTP/1.1 500 Oops\r\n__proto__: 1\r\nconstructor: 2\r\nContent-Length: 0\r\n\r\n'),
  says('HTTP/1.1 409 Conflict\r\nstrangler-fence: given-away\r\nContent-Length: 2\r\n\r\nno'),
  says('HTTP/1.1 409 Conflict\r\nstrangler-fence: stale\r\nContent-Length: 2\r\n\r\nno'),
  says(
    'HTTP/1.1 200 OK\r\nTrailer: __proto__\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n__proto__: 1\r\nX: \x01\r\n\r\n',
  ),
  says(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG.length}\r\n\r\n${BIG}`),
  // Not so good.
  says('HELLO\r\n\r\n'),
  says('HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc'),
  says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n'),
  says('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes'),
  says('HTTP/1.1 102 Processing\r\n\r\n'.repeat(40)),
  says(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${OK}`),
  says('HTTP/1.1 999 \xff\r\nContent-Length: 0\r\n\r\n'),
  says('HTTP/1.1 200 OK\r\nX: \x01\x7f\r\nContent-Length: 0\r\n\r\n'),
  says(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`),
  says(`${OK}${OK}`),
  says('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc'),
  says(''),
  saysAndResets(''),
  saysAndResets('HTTP/1.1 200 O'),
  saysAndResets('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
  saysAndResets(OK),
  saysAndEnds(''),
  saysAndEnds('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
  saysAndEnds('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'),
  saysAndEnds('HTTP/1.1 200 OK\r\n\r\nuntil the end'),
  saysAndEnds(OK),
];

/** Accepts a WebSocket, says something, and leaves in one of the ways sockets end. */
function accepts(socket: Socket, key: string, end: number): void {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  socket.write(Buffer.from(`${head}\x81\x02hi`, 'latin1'));
  setTimeout(() => {
    if (end === 0) socket.resetAndDestroy();
    else if (end === 1) socket.end(Buffer.from('\x88\x00', 'latin1'));
    else socket.destroy();
  }, 30);
}

/** An upstream that answers each request as the number in its path and the seed say, on raw sockets. */
export async function startUpstream(seed: number) {
  /** Every connection, and the attack whose request came last on it. */
  const sockets = new Map<Socket, number | undefined>();
  const server = createServer((socket) => {
    sockets.set(socket, undefined);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      const head = chunk.toString('latin1', 0, 4_000);
      const nth = /^[A-Z-]+ \S*(?:fuzz-(\d+)|calm)/.exec(head);
      if (!nth) return; // the rest of a body
      sockets.set(socket, nth[1] === undefined ? undefined : Number(nth[1]));
      if (nth[1] === undefined) {
        says(OK)(socket);
        return;
      }
      const chance = chanceOf(seed, `upstream ${nth[1]}`);
      const key = /^sec-websocket-key: (\S+)\r$/im.exec(head)?.[1];
      if (key !== undefined && chance.happens(0.7)) accepts(socket, key, chance.below(3));
      else BEHAVIOURS[chance.below(BEHAVIOURS.length)]!(socket);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The attacks whose requests came last on connections that are still open: the idle ones are closed after seconds. */
    open: () => [...sockets.values()].filter((nth) => nth !== undefined),
    stop: async () => {
      for (const socket of sockets.keys()) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
