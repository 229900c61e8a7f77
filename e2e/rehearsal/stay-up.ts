import { once } from 'node:events';
import { at, PORTS, SECRETS } from './addresses.ts';
import { emailOf } from './input.ts';
import { say } from './screen.ts';

/** A customer to play with, and the environment the CLI needs. */
export type Demo = { readonly customer: number; readonly env: Readonly<Record<string, string>> };

/** Prints where everything is and how to see one user change sides, and waits for Ctrl-C. */
export async function stayUp({ customer }: Demo, stop: AbortSignal): Promise<void> {
  const [proxy] = PORTS.proxies;
  const login = `curl -s ${at(proxy)}/api/auth/login -H 'content-type: application/json' -d '{"email":"${emailOf(customer)}","password":"${SECRETS.password}"}'`;
  const side = `curl -si ${at(proxy)}/api/orders?limit=1 -H "authorization: Bearer $TOKEN" | grep -i x-strangler-side`;
  const set = `curl -s ${at(PORTS.control)}/capabilities/orders/set -H 'authorization: Bearer ${SECRETS.admin}' -H 'content-type: application/json' -d '{"percentage":0}'`;
  say(`
  Everything stays up until Ctrl-C.
    proxies        ${PORTS.proxies.map(at).join('  ')}
    monolith       ${at(PORTS.monolith)}     orders ${at(PORTS.orders)}     notifications ${at(PORTS.notifications)}
    control        ${at(PORTS.control)}     token ${SECRETS.admin}
    demo login     ${emailOf(customer)} / ${SECRETS.password}

  One user’s side before and after a set:
    TOKEN=$(${login} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/'); ${side}
    ${set}
    sleep 15; ${side}
`);
  if (!stop.aborted) await once(stop, 'abort');
}
