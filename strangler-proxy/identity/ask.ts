import { Agent, type Dispatcher, request } from 'undici';
import { claimIn } from './claim.ts';
import { Enquiries, PATIENCE_MS } from './enquiries.ts';
import type { Places } from './places.ts';
import { headerSays, type IdentitySource, type SourceAnswer, valuesOf } from './source.ts';

const MOST_CONNECTIONS = 16;
/** Longest answer we read, in bytes. */
const LONGEST_ANSWER = 16_384;
/** 404 is what a gateway says that has lost its backend: nothing is known then. */
const NOBODY = [204, 401];
/** A connection that was kept has ended just then, perhaps; asking changes nothing, so it may be asked twice. */
const LOST = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'];
const NO_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

/** Asks an address of the Plan, as a forward-auth does. It is never followed to another one. */
export function askedSource(url: string, places: Places): IdentitySource {
  const whom = 'the address that is asked whose a request is';
  const enquiries = new Enquiries(whom);
  const agent = new Agent({ connections: MOST_CONNECTIONS, connect: { timeout: PATIENCE_MS } });
  places.closedBy(() => agent.destroy());
  return ({ headers, method, target, isWrite }) => {
    const authorization = headerSays(headers, 'authorization');
    if (authorization && !('user' in authorization)) return authorization;
    const sent: Record<string, string> = { 'x-forwarded-method': method, 'x-forwarded-uri': target };
    if (authorization) sent.authorization = authorization.user;
    const cookies = valuesOf(headers, 'cookie').join('; ');
    if (cookies) sent.cookie = cookies;
    // undici throws for it, and loses one of its connections each time.
    if (Object.values(sent).some((value) => NO_HEADER.test(value)))
      return { unreadable: 'what it says cannot be put into a header' };
    return enquiries.ask(Object.entries(sent).flat(), isWrite, async () => {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const put = async () => meaningOf(await request(url, { headers: sent, dispatcher: agent, signal }), whom);
      return put().catch((error: { code?: unknown }) => {
        if (!LOST.includes(String(error.code))) throw error;
        return put();
      });
    });
  };
}

async function meaningOf({ statusCode, body }: Dispatcher.ResponseData, whom: string): Promise<SourceAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) return { unknown: `${whom} answers more than ${LONGEST_ANSWER} bytes` };
    chunks.push(chunk);
  }
  if (NOBODY.includes(statusCode)) return undefined;
  if (statusCode !== 200) return { unknown: `${whom} answers ${statusCode}` };
  const found = claimIn(Buffer.concat(chunks).toString(), ['user']);
  return 'text' in found ? { user: found.text } : { unknown: `${whom} answers 200 without a user` };
}
