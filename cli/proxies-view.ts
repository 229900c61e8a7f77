import { type ProxyStatus, sayDuration } from '@strangler/plan';
import type { View } from './status-view.ts';
import { type Cell, renderTable } from './table.ts';
import { inert, wrap } from './text.ts';

const COLUMNS = [{ title: 'PROXY' }, { title: 'PROCESS', right: true }, { title: 'LINK' }] as const;

/** Every registered proxy, and what to do about those that are lost. */
export function renderProxies(proxies: readonly ProxyStatus[], { width, paint }: Omit<View, 'now'>): string[] {
  if (!proxies.length) return ['no proxy is registered: none has linked yet, or all have left in order'];
  const rows = proxies.map(({ proxy, pid, lostFor }): Cell[] => [
    { text: inert(proxy) },
    { text: pid === null ? 'unknown' : String(pid) },
    lostFor === null ? { text: 'linked', tone: 'good' } : { text: `lost for ${sayDuration(lostFor)}`, tone: 'bad' },
  ]);
  const lost = proxies.filter(({ lostFor }) => lostFor !== null).map(({ proxy }) => inert(proxy));
  if (!lost.length) return renderTable(COLUMNS, rows, width, paint);
  const advice = [
    `No orderly move begins while ${lost.length === 1 ? 'it is' : 'they are'} lost: a lost proxy may be sending writes by what it last knew. Bring it back;`,
    `or, if you are sure that it does not run any more: strangler proxies dismiss ${lost[0]}`,
  ].join(' ');
  return [...renderTable(COLUMNS, rows, width, paint), '', ...wrap(advice, width)];
}
