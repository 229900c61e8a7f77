import type { z } from 'zod';
import { type Table, table } from '../capability-schema.ts';

/** A table of a Plan as it is read: with the defaults of whatever is not said. */
export const tableOf = (said: z.input<typeof table>): Table => table.parse(said);
