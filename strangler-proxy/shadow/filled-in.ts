import type { ShadowReply } from './reply.ts';

/** `/api/orders/{id}` with `{id}` from a JSON answer; what cannot be filled in is left out. */
export function filledIn(targets: readonly string[], seen: ShadowReply): string[] {
  let answer: Record<string, unknown> = {};
  try {
    if ('body' in seen) answer = Object(JSON.parse(Buffer.from(seen.body).toString()));
  } catch {
    // no JSON: only reads that need nothing from it are left
  }
  return targets.flatMap((target) => {
    const filled = target.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = Object.hasOwn(answer, name) ? answer[name] : undefined;
      return typeof value === 'string' || typeof value === 'number' ? encodeURIComponent(value) : whole;
    });
    return filled.includes('{') ? [] : [filled];
  });
}
