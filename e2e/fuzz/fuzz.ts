import { createConnection } from 'node:net';
import { type Attack, attackOf } from './attack.ts';
import { startProxyProcess } from './proxy-process.ts';
import { startUpstream } from './upstream.ts';

/** Connections at once. */
const AT_ONCE = 200;
/** After so many the proxy is waited for: what it has not accepted yet must not fill the queue of the system. */
const BREATH = 100;
/** Far more than all timeouts of the proxy together, because the machine may be busy, in milliseconds. */
const HANGS_AFTER_MS = 60_000;
/** Attacks that are named when the proxy dies: those under way, and so many that had just ended. */
const SUSPECTS = 20;

export type Report = {
  readonly seed: number;
  readonly connections: number;
  /** What went wrong, the attacks that may have done it included; empty if all is well. */
  readonly faults: readonly string[];
  readonly milliseconds: number;
};

/** One attack as a person can read and repeat it. */
const told = ({ index, at, steps, leaves }: Attack): string =>
  `  attack ${index} (${at}, ${leaves}): ${steps.map(({ bytes }) => JSON.stringify(bytes.toString('latin1').slice(0, 600))).join(' then ')}`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Carries an attack out; false if the proxy neither answered nor closed for longer than it may. */
async function carryOut(attack: Attack, address: string): Promise<boolean> {
  const [host, port] = address.split(':') as [string, string];
  // Many addresses, so that the machine does not run out of ports.
  const localAddress = `127.0.0.${2 + (attack.index % 200)}`;
  const socket = createConnection({ host, port: Number(port), localAddress, allowHalfOpen: true });
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  if (!attack.deaf) socket.resume();
  for (const { after, bytes } of attack.steps) {
    if (after > 0) await pause(after);
    socket.write(bytes);
  }
  if (attack.lingers > 0) await pause(attack.lingers);
  if (attack.leaves === 'reset') {
    socket.resetAndDestroy();
    return closed;
  }
  if (attack.leaves === 'end') socket.end();
  socket.resume();
  const timer = new AbortController();
  const hung = pauseOr(timer.signal);
  const inTime = await Promise.race([closed, hung]);
  timer.abort();
  socket.destroy();
  return inTime;
}

const pauseOr = (signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), HANGS_AFTER_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });

/** What is wrong with a proxy after all of it; undefined if it serves as before. */
async function complaintAbout(front: string, metrics: string): Promise<string | undefined> {
  try {
    const health = await fetch(`http://${metrics}/health`);
    if (health.status !== 200) return `/health answers ${health.status}`;
    for (const path of ['/api/orders/calm', '/calm']) {
      for (const method of ['GET', 'POST']) {
        const answer = await fetch(`http://${front}${path}`, { method, headers: { 'x-user': 'u1' } });
        if (answer.status !== 200) return `${method} ${path} is answered ${answer.status}: ${await answer.text()}`;
      }
    }
    for (const begun = performance.now(); ; await pause(100)) {
      const text = await (await fetch(`http://${metrics}/metrics`)).text();
      const left = /^strangler_proxy_(?:in_flight|held_writes\S*) [1-9].*$/m.exec(text)?.[0];
      if (left === undefined) return undefined;
      if (performance.now() - begun > HANGS_AFTER_MS) return `something never ended: ${left}`;
    }
  } catch (error) {
    return `it cannot be reached: ${(error as Error).message}`;
  }
}

/**
 * Lets `connections` hostile clients loose on a real proxy process with upstreams that misbehave, beginning with attack
 * `from` of this seed. The proxy must live, serve, and let nothing hang.
 */
export async function fuzz(
  { seed, connections, from = 0 }: { seed: number; connections: number; from?: number },
  onProgress: (done: number) => void = () => {},
): Promise<Report> {
  const begun = performance.now();
  const upstreams = await Promise.all([startUpstream(seed), startUpstream(seed)]);
  const proxy = await startProxyProcess(upstreams[0].url, upstreams[1].url);
  const faults: string[] = [];
  const underWay = new Map<number, Attack>();
  const ended: Attack[] = [];
  let next = from;
  let breath: Promise<unknown> = Promise.resolve();
  const client = async () => {
    while (next < from + connections && !proxy.gone) {
      const attack = attackOf(seed, next++);
      if (attack.index % BREATH === 0) breath = fetch(`http://${proxy.metrics}/health`).catch(() => {});
      await breath;
      underWay.set(attack.index, attack);
      const inTime = await carryOut(attack, attack.at === 'front' ? proxy.front : proxy.metrics);
      if (!inTime && !proxy.gone) faults.push(`a connection hangs:\n${told(attack)}`);
      underWay.delete(attack.index);
      ended.push(attack);
      if (ended.length > SUSPECTS) ended.shift();
      if ((attack.index - from + 1) % 1_000 === 0) onProgress(attack.index - from + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  if (!proxy.gone) await proxy.settle();
  const complaint = proxy.gone ?? (await complaintAbout(proxy.front, proxy.metrics));
  if (complaint !== undefined) {
    const open = upstreams.flatMap((upstream) => upstream.open()).map((nth) => told(attackOf(seed, nth)));
    faults.push([complaint, `connections to upstreams still open: ${open.length}`, ...open].join('\n'));
  }
  if (proxy.complaints.length > 0) faults.push(`it says: ${proxy.complaints.slice(0, 10).join('\n')}`);
  if (proxy.gone) faults.push(`one of these did it:\n${[...underWay.values(), ...ended].map(told).join('\n')}`);
  await proxy.stop();
  for (const { stop } of upstreams) await stop();
  return { seed, connections: next - from, faults, milliseconds: Math.round(performance.now() - begun) };
}
