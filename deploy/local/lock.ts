import { createHash } from 'node:crypto';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * A lock held by a living process: a socket in Linux's abstract namespace, which the kernel takes back when its holder
 * dies, however it dies. There is no file, so there is no stale one. It answers everybody who connects with `who`.
 */
export interface Lock {
  release(): Promise<void>;
}

const address = (name: string) => `\0strangler-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;

/** Takes the lock, or gives undefined if somebody else has it. `who` must fit into one line. */
export async function tryLock(name: string, who: string): Promise<Lock | undefined> {
  const server = net.createServer((socket) => socket.on('error', () => {}).end(who));
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(address(name), () => resolve(true));
  });
  if (!taken) return undefined;
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** What the present holder of the lock says of itself; undefined if nobody holds it. */
export function lockHolder(name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect(address(name));
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(text || undefined));
  });
}

/** Waits for the lock; `onWait` hears once who has it. */
export async function lock(name: string, who: string, onWait: (holder: string) => void = () => {}): Promise<Lock> {
  for (let told = false; ; ) {
    const taken = await tryLock(name, who);
    if (taken) return taken;
    const holder = await lockHolder(name);
    if (holder && !told) {
      onWait(holder);
      told = true;
    }
    await pause(50);
  }
}
