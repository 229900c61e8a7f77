import { Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { bucketOf } from '@strangler/plan';
import express, { type Request } from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { chanceOf } from '../../e2e/chance.ts';

// The usual split: Express, http-proxy-middleware, and its `router` choosing where each request to /api/orders goes.
const text = { type: 'string' } as const;
const { port, monolith, service, choose, seed } = parseArgs({
  options: { port: text, monolith: text, service: text, choose: text, seed: text },
}).values;
const chance = chanceOf(Number(seed), 'router');

/** Per cent of the requests, or of the users, that go to the service. */
let weight = 0;

/** A user’s place among 100 by a hash, as Unleash’s flexibleRollout finds it. Nobody in particular stays behind. */
function placeOf(request: Request): number {
  const [, payload] = (request.get('authorization') ?? '').split('.');
  if (!payload) return 100;
  const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string };
  return bucketOf('shop', sub) / 100;
}

const goesToService = (request: Request): boolean =>
  (choose === 'user' ? placeOf(request) : chance.below(100)) < weight && request.originalUrl.startsWith('/api/orders');

const app = express();
app.disable('x-powered-by');
app.put('/weight/:percent', (request, response) => {
  weight = Number(request.params.percent);
  response.sendStatus(204);
});
app.use(
  createProxyMiddleware<Request>({
    target: monolith!,
    router: (request) => (goesToService(request) ? service! : monolith!),
    xfwd: true,
    agent: new Agent({ keepAlive: true }),
  }),
);
app.listen(Number(port), '127.0.0.1');
