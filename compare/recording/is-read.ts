import { inScope } from '../rules/scope.ts';

/** True if the request changes nothing: its method says so, or one of these routes takes it in (`POST /search/**`). */
export function isRead(method: string, path: string, asReads: readonly string[]): boolean {
  if (/^(GET|HEAD|OPTIONS)$/.test(method)) return true;
  return asReads.length > 0 && inScope({ routes: asReads }, { method, path }, 200);
}
