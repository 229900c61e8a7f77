import { Agent } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

// The peer as its README sets it up: Express, one proxy middleware, upstream connections kept alive.
const [port, target] = process.argv.slice(2);
const app = express();
app.disable('x-powered-by');
app.use(createProxyMiddleware({ target: target!, xfwd: true, agent: new Agent({ keepAlive: true }) }));
app.listen(Number(port), '127.0.0.1');
