import { createHmac } from 'node:crypto';

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A signed token of the usual size. */
export function tokenOf(user: string): string {
  const claims = {
    sub: user,
    name: 'A customer of the shop',
    scope: 'orders notifications',
    iat: 1_760_000_000,
    exp: 2_000_000_000,
  };
  const signed = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64(claims)}`;
  return `${signed}.${createHmac('sha256', 'bench').update(signed).digest('base64url')}`;
}

/** The headers a browser sends with a `fetch` of a page of the same site. */
export const browserHeaders = (user: string): Record<string, string> => ({
  Host: 'shop.example',
  Accept: 'application/json, text/plain, */*',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
  Authorization: `Bearer ${tokenOf(user)}`,
  Cookie: '_ga=GA1.2.1234567890.1700000000; theme=dark; csrf=8d2f1c0b5a; consent=analytics%3D1',
  Referer: 'https://shop.example/account/orders',
  'Sec-Ch-Ua': '"Chromium";v="142", "Not_A Brand";v="99"',
  'Sec-Ch-Ua-Mobile': '?0',
  'Sec-Ch-Ua-Platform': '"Linux"',
  'Sec-Fetch-Dest': 'empty',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Site': 'same-origin',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
});
