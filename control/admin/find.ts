import type { Active } from '../active.ts';
import type { CapabilityControl } from '../capability.ts';
import { HttpError } from './http-error.ts';
import type { AdminParts } from './parts.ts';

/** What a request is about. Both throw an HttpError that says why there is no such thing. */
export type Find = {
  readonly active: () => Active;
  readonly control: (capability: string) => CapabilityControl;
};

/** Finds what the active control has; a standby has nothing. */
export function finder(parts: Pick<AdminParts, 'plan' | 'active'>): Find {
  const { capabilities } = parts.plan;
  const active = () => {
    const found = parts.active();
    if (!found) throw new HttpError(503, 'this control is a standby; ask the active one');
    return found;
  };
  const control = (name: string) => {
    const found = Object.hasOwn(capabilities, name) ? active().capabilities.get(name) : undefined;
    if (found) return found;
    throw new HttpError(404, `there is no capability of this name; there are ${Object.keys(capabilities).join(', ')}`);
  };
  return { active, control };
}
