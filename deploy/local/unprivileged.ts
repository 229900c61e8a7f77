import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whom root lends a program that refuses root: `postgres`, else `nobody`. Undefined for anybody but root. */
export function lentUser(
  uid = process.getuid?.(),
  passwd = readFileSync('/etc/passwd', 'utf8'),
): { uid: number; gid: number } | undefined {
  if (uid !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const line = passwd.split('\n').find((entry) => entry.startsWith(`${name}:`));
    const [, , user, group] = line?.split(':') ?? [];
    if (user && group) return { uid: Number(user), gid: Number(group) };
  }
  return { uid: 65534, gid: 65534 };
}

/** The innermost folder on the way to `path` that other users may not enter; undefined if they can reach it. */
export function closedAt(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** A place of one home's own that every user can reach and that outlives a reboot. */
export const openPlace = (root: string): string =>
  join('/var/lib', `strangler-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`);
