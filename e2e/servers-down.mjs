// Jest's global tear-down: stops the servers if servers-up.mjs found none and started them.
import { runServers } from './servers-up.mjs';

export default function serversDown() {
  if (globalThis.serversToStop) runServers(['down'], 'inherit');
}
