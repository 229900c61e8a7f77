/** What the client is told: a status, and under each name what is wrong with it. */
export class HttpError extends Error {
  readonly status: number;
  readonly errors: Errors;

  constructor(status: number, errors: Errors) {
    super(JSON.stringify(errors));
    this.status = status;
    this.errors = errors;
  }
}

export type Errors = Readonly<Record<string, readonly string[]>>;

/** 404: there is no such article, or comment. */
export const notFound = (what: string): HttpError => new HttpError(404, { [what]: ['not found'] });

/** 403: it is somebody else's. */
export const forbidden = (what: string): HttpError => new HttpError(403, { [what]: ['forbidden'] });

/** 422: what the client sent. */
export const unprocessable = (errors: Errors): HttpError => new HttpError(422, errors);
