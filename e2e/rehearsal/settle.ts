import { type Books, countBooks, mistakesIn } from './books.ts';
import type { Input } from './input.ts';

const SETTLE_WITHIN_MS = 30_000;

/** Counts the books until they balance, because the last rows are still under way; gives up after a while. */
export async function settle(...books: Parameters<typeof countBooks>): Promise<Books> {
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  for (;;) {
    const counted = await countBooks(...books);
    if (!mistakesIn(counted, books[1] as Input).length || Date.now() > deadline) return counted;
  }
}
