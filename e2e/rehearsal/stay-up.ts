import { once } from 'node:events';
import { at, ENV_FILE, PORTS, SECRETS } from './addresses.ts';
import { emailOf } from './input.ts';
import { say } from './screen.ts';

const PROXY = at(PORTS.proxies[0]);

async function logIn(email: string): Promise<string> {
  const answer = await fetch(`${PROXY}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: SECRETS.password }),
  });
  const { token } = (await answer.json()) as { token: string };
  return token;
}

/** Prints where everything is and how to see this customer change sides, and waits for Ctrl-C. */
export async function stayUp(customer: number, stop: AbortSignal): Promise<void> {
  const email = emailOf(customer);
  const side = `curl -si "${PROXY}/api/orders?limit=1" -H "authorization: Bearer $TOKEN" | grep x-strangler`;
  const set = `curl -s ${at(PORTS.control)}/capabilities/orders/set -H "authorization: Bearer ${SECRETS.admin}" -H "content-type: application/json" -d '{"percentage": 0}'`;
  say(`
  Everything stays up until Ctrl-C.
    proxies        ${PORTS.proxies.map(at).join('  ')}
    monolith       ${at(PORTS.monolith)}
    services       ${at(PORTS.orders)} (orders)  ${at(PORTS.notifications)} (notifications)
    control        ${at(PORTS.control)}, token ${SECRETS.admin}
    demo login     ${email}, password ${SECRETS.password}
    watch it       . ${ENV_FILE} && npm run -s strangler -- status --watch

  One user’s side before and, some seconds after, behind a set:
    export TOKEN=${await logIn(email)}
    ${side}
    ${set}
    ${side}
`);
  if (!stop.aborted) await once(stop, 'abort');
}
