import express from 'express';

/*
 * Loaded into the orders service by the rehearsal (`--import`): on SIGUSR2 the service answers as a wrong build of it
 * would, with a rounding and a sort order, and on the next one as before. Only what it says is wrong, not what it does.
 */

type Item = { unitPrice: string };
type Order = { items?: Item[] };

let wrong = false;
process.on('SIGUSR2', () => {
  wrong = !wrong;
});

const rounded = (order: Order): Order => ({
  ...order,
  items: order.items?.map((item) => ({ ...item, unitPrice: Math.round(Number(item.unitPrice)).toFixed(2) })) ?? [],
});

function spoiled(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  if ('orders' in body && Array.isArray(body.orders)) return { ...body, orders: body.orders.map(rounded).reverse() };
  return 'items' in body ? rounded(body as Order) : body;
}

const { json } = express.response;
express.response.json = function (body) {
  return json.call(this, wrong && this.req.method === 'GET' ? spoiled(body) : body);
};
