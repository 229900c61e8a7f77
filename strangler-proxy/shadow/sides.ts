import { createHmac } from 'node:crypto';
import type { Side } from '@strangler/plan';
import type { Addresses } from '../addresses.ts';
import { type RoutedCapability, rewritten } from '../route.ts';
import type { Clean } from '../sanitize.ts';
import { type Read, ShadowSide } from './ask-side.ts';
import type { ShadowMeters } from './meters.ts';
import type { ShadowReply } from './reply.ts';

/** A read of one user, as it can be asked of either side. */
export type UserRead = {
  readonly routed: RoutedCapability;
  readonly user: string;
  readonly bucket: number;
  readonly clean: Pick<Clean, 'headers' | 'host' | 'correlationId' | 'calledBy'>;
  readonly target: string;
};

/** After so many failures in a row a side is left alone for a while, ms. */
const FAILURES = 10;
const CIRCUIT_OPEN_MS = 5_000;
const SIDES = ['monolith', 'service'] as const;
/** Never asked again: what framing and conditions there were is between the client and its side. */
const NOT_REPEATED = new Set(['range', 'if-none-match', 'if-modified-since', 'if-range', 'te', 'x-strangler-shadow']);

/** Monolith and services as a shadow asks them: on connections of its own, and not while they fail. */
export class ShadowSides {
  readonly #capabilities: readonly RoutedCapability[];
  readonly #addresses: Addresses;
  readonly #secret: string;
  readonly #meters: ShadowMeters;
  readonly #monolith: ShadowSide;
  readonly #services = new Map<string, ShadowSide>();
  readonly #failures = new Map<string, { count: number; until: number }>();

  constructor(
    monolith: URL,
    capabilities: readonly RoutedCapability[],
    addresses: Addresses,
    secret: string,
    connections: number,
    meters: ShadowMeters,
  ) {
    this.#capabilities = capabilities;
    this.#addresses = addresses;
    this.#secret = secret;
    this.#meters = meters;
    this.#monolith = new ShadowSide(monolith, connections);
    for (const { name, service } of capabilities) this.#services.set(name, new ShadowSide(service, connections));
  }

  /** What a side replies; the read is signed as ours. */
  async ask({ routed, clean, target }: UserRead, side: Side): Promise<ShadowReply> {
    const { name, rewrite } = routed;
    const headers: string[] = ['host', clean.host ?? 'localhost'];
    for (let at = 0; at < clean.headers.length; at += 2) {
      if (!NOT_REPEATED.has(clean.headers[at]!.toLowerCase())) headers.push(clean.headers[at]!, clean.headers[at + 1]!);
    }
    headers.push('x-strangler-shadow', signed(clean.correlationId, this.#secret));
    const path = side === 'service' ? rewritten(rewrite, target) : target;
    const read: Read = { method: 'GET', path, headers };
    const begun = performance.now();
    const of = side === 'service' ? this.#services.get(name)! : this.#monolith;
    const seen = await of.ask(read, (raw) => this.#addresses.forClient(raw, clean.calledBy));
    this.#meters.asked(name, side, performance.now() - begun, 'error' in seen);
    this.#note(`${name} ${side}`, 'error' in seen);
    return seen;
  }

  /** True while a side is not to be asked, because it has failed too often in a row. */
  isLeftAlone(capability: string, side: Side): boolean {
    const known = this.#failures.get(`${capability} ${side}`);
    return known !== undefined && known.count >= FAILURES && performance.now() < known.until;
  }

  /** Every capability and side, and whether it is left alone. */
  get circuitOpen(): [capability: string, side: Side, circuitOpen: boolean][] {
    return this.#capabilities.flatMap(({ name }) =>
      SIDES.map((side): [string, Side, boolean] => [name, side, this.isLeftAlone(name, side)]),
    );
  }

  /** Ends every connection at once. */
  async stop(): Promise<void> {
    await Promise.all([this.#monolith, ...this.#services.values()].map((side) => side.stop()));
  }

  #note(side: string, failed: boolean): void {
    if (!failed) {
      this.#failures.delete(side);
      return;
    }
    const count = (this.#failures.get(side)?.count ?? 0) + 1;
    this.#failures.set(side, { count, until: performance.now() + CIRCUIT_OPEN_MS });
  }
}

/** `ID HMAC`: a side that knows the secret can tell a shadow from a client who pretends. */
const signed = (id: string, secret: string): string =>
  `${id} ${createHmac('sha256', secret).update(`shadow ${id}`).digest('base64url')}`;
