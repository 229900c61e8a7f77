import { Agent, request as httpRequest } from 'node:http';
import { HttpError } from './http/http-error.ts';
import type { Purchase } from './order.ts';
import type { Item } from './order-request.ts';

/** An item with what the shop charges for it. */
export interface PricedItem extends Item {
  unitPrice: string;
  title: string;
}

/**
 * The monolith's internal API. Every call may be repeated without effect. Throws the monolith's own refusal (402, 404,
 * 409, 422: it did nothing), or 503, 504, 502: it may or may not have done it.
 */
export interface MonolithClient {
  /** Reserves the items for the attempt, or takes over what the purchase has reserved already. */
  claimStock(purchase: Purchase, attempt: string, items: readonly Item[], requestId: string): Promise<PricedItem[]>;
  /** Captures the amount, or takes over what the purchase has paid already. */
  claimPayment(
    purchase: Purchase,
    claim: { attempt: string; amount: string; card: string | undefined },
    requestId: string,
  ): Promise<void>;
  /** Undoes both claims of an attempt, each unless another attempt or an order has them now. */
  undoClaims(purchase: Purchase, attempt: string): Promise<void>;
  /** Undoes both claims of a cancelled order, whoever claimed them last. */
  undoForCancel(purchase: Purchase, attempt: string): Promise<void>;
  stop(): void;
}

interface Answer {
  status: number;
  body: unknown;
}

const REFUSALS = [402, 404, 409, 422];

/** The monolith's answer as what the saga acts on; throws what is not a success. */
const successOf = ({ status, body }: Answer): unknown => {
  if (status === 200) return body;
  const { error } = (body ?? {}) as { error?: { code: string; message: string } };
  if (error && REFUSALS.includes(status)) throw new HttpError(status, error.code, error.message);
  if (status === 503) throw new HttpError(503, 'unavailable', 'the shop cannot take this order now, try again');
  throw new HttpError(502, 'bad_gateway', `the shop answered ${status}`);
};

const unlessRefused = async (call: Promise<unknown>): Promise<void> => {
  try {
    await call;
  } catch (thrown) {
    if (!(thrown instanceof HttpError && thrown.status === 409)) throw thrown;
  }
};

/** A client over keep-alive connections; `timeoutMs` bounds each call as a whole. */
export const createMonolithClient = (url: string, token: string, timeoutMs = 5_000): MonolithClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const base = new URL(url);

  const send = (method: string, path: string, payload: string, requestId: string | undefined): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
        authorization: `Bearer ${token}`,
        ...(requestId && { 'x-request-id': requestId }),
      };
      const request = httpRequest(
        { agent, method, path, headers, hostname: base.hostname, port: base.port || 80 },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', failed);
          response.on('end', () => {
            clearTimeout(timer);
            const text = Buffer.concat(chunks).toString();
            try {
              resolve({ status: response.statusCode!, body: JSON.parse(text) });
            } catch {
              resolve({ status: response.statusCode!, body: undefined });
            }
          });
        },
      );
      const timer = setTimeout(
        () => request.destroy(new HttpError(504, 'timeout', 'the shop did not answer in time, try again')),
        timeoutMs,
      );
      const failed = (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        if (error instanceof HttpError) return reject(error);
        // The monolith closed an idle connection just as we took it: the call may be repeated, so it is.
        if (request.reusedSocket && error.code === 'ECONNRESET') return resolve(send(method, path, payload, requestId));
        reject(
          Object.assign(new HttpError(503, 'unavailable', 'the shop cannot be reached, try again'), { cause: error }),
        );
      };
      request.on('error', failed);
      request.end(payload);
    });

  const call = async (method: string, path: string, body: unknown, requestId?: string): Promise<unknown> =>
    successOf(await send(method, `/internal/${path}`, JSON.stringify(body), requestId));

  const of = ({ userId, key }: Purchase) => `${userId}/${encodeURIComponent(key)}`;

  return {
    claimStock: async (purchase, attempt, items, requestId) => {
      const claimed = await call('PUT', `reservations/${of(purchase)}`, { attempt, items }, requestId);
      return (claimed as { items: PricedItem[] }).items;
    },
    claimPayment: async (purchase, claim, requestId) => {
      await call('PUT', `payments/${of(purchase)}`, claim, requestId);
    },
    undoClaims: async (purchase, attempt) => {
      await unlessRefused(call('POST', `payments/${of(purchase)}/refund`, { attempt }));
      await unlessRefused(call('POST', `reservations/${of(purchase)}/release`, { attempt }));
    },
    undoForCancel: async (purchase, attempt) => {
      await call('POST', `cancellations/${of(purchase)}`, { attempt });
    },
    stop: () => agent.destroy(),
  };
};
