import { down, type Servers, servers, status, up } from '@strangler/servers';
import { NEEDED } from '../servers.ts';
import { say } from './screen.ts';

/** Starts the servers; what was up before stays up afterwards. `atTheEnd` has something done when everything is stopped. */
export async function startServers(atTheEnd: (end: () => Promise<unknown>) => void): Promise<Servers> {
  const { parts } = await status();
  const wereUp = NEEDED.every((part) => parts[part].state === 'ready');
  await up({ parts: NEEDED, progress: (line) => say(`  ${line}`) });
  if (!wereUp) atTheEnd(() => down());
  return servers();
}
