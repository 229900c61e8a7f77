/**
 * An error after which nothing may be applied until a person has looked: its stream stops, loudly. Any other error of a
 * stream is retried for ever.
 */
export class FatalStreamError extends Error {}
