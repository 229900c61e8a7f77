import { KeyReused } from '../keyed-request.ts';
import { SupersededError } from '../stored-state.ts';
import { NotNow } from '../wanted.ts';

/** What a status of the admin API is called in its answers. */
export const CODES: Readonly<Record<number, string>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'too-large',
  415: 'unsupported-media-type',
  422: 'key-reused',
  503: 'unavailable',
};

/** A request that is answered with this status and this sentence. */
export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The status and sentence of an error; what is none of the caller’s doing is 503, without its details. */
export function describe(error: unknown): { status: number; message: string } {
  if (error instanceof HttpError) return error;
  if (error instanceof KeyReused) return { status: 422, message: error.message };
  if (error instanceof NotNow) return { status: 409, message: error.message };
  if (error instanceof SupersededError) return { status: 503, message: error.message };
  if (error instanceof URIError) return { status: 400, message: 'the path is not valid' };
  const { status, type } = error as { status?: number; type?: string };
  if (type === 'entity.too.large') return { status: 413, message: 'the body is too large' };
  if (status && status >= 400 && status < 500) return { status: 400, message: 'the body is not valid JSON' };
  return {
    status: 503,
    message: 'the state cannot be written or read now; see by the status whether anything has changed, and try again',
  };
}
