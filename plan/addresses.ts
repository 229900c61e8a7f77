const ENCODE = 'percent-encode it there (@ is %40, / is %2F, # is %23, ? is %3F, % is %25)';

/** What is wrong with `http://HOST/PREFIX`; undefined if nothing is. Whatever else an address may hold would be lost. */
export function webMistake(text: string, { query = false } = {}): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be an address http://… or https://…';
  if (url.username || url.password) return 'holds a user name or password, which would not be sent: leave them out';
  if (text.includes('#') || (!query && text.includes('?')))
    return 'ends in a ? or #, which would be lost: leave it out';
  return undefined;
}

/**
 * What is wrong with `mysql://USER:PASSWORD@HOST/DATABASE`; undefined if nothing is. A raw @, / or # in the password makes
 * its rest another host or database, so it is named before anybody connects there. Shows nothing of the address.
 */
export function databaseMistake(text: string, schemes: readonly string[]): string | undefined {
  const mistake = serverMistake(text, schemes);
  if (mistake) return mistake;
  const { hostname, pathname, username, password, searchParams } = new URL(text);
  const tls = [...searchParams].find(([name, value]) => /ssl|tls/i.test(name) && !/^(disabled?|false|0)$/i.test(value));
  if (tls)
    return `asks for TLS by ${tls[0]}, which would be ignored: databases are talked to without TLS as yet; leave it out if they may be`;
  if (!hostname) return 'names no host';
  if (!/^\/[^/]+$/.test(pathname)) return `must name one database: ${text.split('://')[0]}://HOST/DATABASE`;
  return encodingMistake([pathname, username, password]);
}

/** What is wrong with `redis://USER:PASSWORD@HOST:PORT/NUMBER`; undefined if nothing is. Shows nothing of the address. */
export function redisMistake(text: string): string | undefined {
  const mistake = serverMistake(text, ['redis', 'rediss']);
  if (mistake) return mistake;
  const { hostname, pathname, username, password, search } = new URL(text);
  if (!hostname) return 'names no host';
  if (search) return 'ends in a ?, which would be lost: leave it out';
  if (!/^(\/\d*)?$/.test(pathname)) return 'must end in the number of a database, or in none: redis://HOST/0';
  return encodingMistake([username, password]);
}

/** What is wrong with the form of a server’s address, whichever server it is. */
function serverMistake(text: string, schemes: readonly string[]): string | undefined {
  const [scheme, ...rest] = text.split('://');
  if (!schemes.includes(scheme!) || rest.length === 0) {
    return `must be an address ${schemes.map((one) => `${one}://…`).join(' or ')}`;
  }
  const behind = rest.join('://');
  const authority = behind.split(/[/?#]/)[0]!;
  if (behind.includes('@') && !authority.includes('@')) {
    return (
      `has an @ behind a /, ? or #: if those are of its user name or password, another host would be asked: ${ENCODE}; ` +
      'if the @ is of its path or query, write %40'
    );
  }
  if (authority.split('@').length > 2) return `has a raw @ in its user name or password: ${ENCODE}`;
  if (!URL.canParse(text)) return `is no address; if its user name or password has a special character, ${ENCODE}`;
  if (text.includes('#')) return `has a raw #, and what follows would be lost: ${ENCODE}`;
  return undefined;
}

function encodingMistake(parts: readonly string[]): string | undefined {
  try {
    for (const part of parts) decodeURIComponent(part);
  } catch {
    return `has a % that encodes nothing: ${ENCODE}`;
  }
  return undefined;
}
