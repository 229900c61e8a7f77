import type { DecisionRecord } from '@strangler/plan';
import type { Paint } from './paint.ts';
import { renderTable } from './table.ts';
import { inert } from './text.ts';

/** Decision records as a table, oldest first. */
export function renderRecords(records: readonly DecisionRecord[], width: number, paint: Paint): string[] {
  if (!records.length) return ['no decision has been recorded yet'];
  const columns = [
    { title: 'ID', right: true },
    { title: 'AT' },
    { title: 'CAPABILITY' },
    { title: 'EVENT' },
    { title: 'ACTOR' },
    { title: 'REASON' },
  ] as const;
  const rows = records.map(({ id, at, capability, event, actor, reason }) => [
    { text: `${id}` },
    {
      text: inert(at)
        .replace('T', ' ')
        .replace(/(\.\d+)?Z$/, 'Z'),
    },
    { text: inert(capability) },
    { text: inert(event) },
    { text: inert(actor) },
    { text: inert(reason) },
  ]);
  return renderTable(columns, rows, width, paint);
}
