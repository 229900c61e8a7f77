'use strict';

/** What the proxy looks for in an answer: nothing was written, and the request may be decided once more. */
const HEADER = 'strangler-fence';

/** The write's user does not belong to this side (any more): its transaction is rolled back. */
class GivenAwayError extends Error {
  /** @param midway an earlier transaction of the same request has been committed */
  constructor(capability, side, { midway = false, stale = false } = {}) {
    const because = stale
      ? `users of ${capability} were handed over after this transaction had begun to read`
      : `this user's ${capability} do not belong to the ${side} any more`;
    super(
      midway
        ? `${because}, and a part of this request was done before: send it again with the same Idempotency-Key`
        : `${because}; nothing was written`,
    );
    this.name = 'GivenAwayError';
    const code = stale ? 'stale' : 'given-away';
    this.code = midway ? 'given-away-midway' : code;
    // Express's own error handler goes by these two.
    this.status = midway ? 503 : 409;
    this.headers = midway ? { 'retry-after': '1' } : { [HEADER]: code };
  }
}

/** The fence cannot do its work as it was set up; the message names the next step. Nothing was written. */
class FenceSetupError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'FenceSetupError';
    this.code = 'fence-setup';
  }
}

/** An Express error handler that answers a GivenAwayError, and passes on everything else. Goes before your own. */
function answerGivenAway(error, _request, response, next) {
  if (!(error instanceof GivenAwayError) || response.headersSent) return next(error);
  const { code, message, status, headers } = error;
  response.status(status).set(headers).json({ error: { code, message } });
}

module.exports = { answerGivenAway, FenceSetupError, GivenAwayError };
