import type { Unproven } from '@strangler/plan';
import { inert } from './text.ts';
import { sayFor } from './words.ts';

/** Who came back by force, and which of them may miss something they were told was saved. */
export function renderUnproven(capability: string, unproven: readonly Unproven[], now: number): string[] {
  const lines: string[] = [];
  for (const { epoch, subject, since, atRisk, more } of unproven) {
    const who = subject.user === undefined ? `${subject.lo / 100} % to ${subject.hi / 100} %` : `user ${subject.user}`;
    lines.push(inert(`${capability}: ${who} came back by force ${sayFor(since, now)} ago (epoch ${epoch}).`));
    if (!atRisk.length) lines.push('  Nobody is known to have written on the service shortly before.');
    else {
      lines.push('  Wrote on the service shortly before; what they wrote last may be missing on the monolith:');
      for (const user of atRisk) lines.push(`    ${inert(user)}`);
      if (more) lines.push(`    and ${more} more`);
    }
  }
  return lines;
}
