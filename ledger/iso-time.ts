/** ISO 8601 with milliseconds, of a time as MySQL prints it in UTC. */
export const isoTime = (text: unknown): string => `${String(text).replace(' ', 'T').slice(0, 23)}Z`;
