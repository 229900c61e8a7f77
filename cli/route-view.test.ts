import { expect, test } from '@jest/globals';
import type { Explanation } from '@strangler/proxy';
import { paintFor } from './paint.ts';
import { renderRoute } from './route-view.ts';

const VIEW = { width: 100, paint: paintFor({ isTTY: false } as NodeJS.WriteStream) };

test('a request of a capability that splits no users is everybody’s, on one side', () => {
  const of: NonNullable<Explanation['of']> = {
    ...{ capability: 'catalogue', route: 'ANY /products/**', parameters: {}, isWrite: true, splits: false },
    sources: [{ source: 'constant', says: { user: 'everybody' } }],
    ...{ identity: { user: 'everybody' }, group: 'shop', bucket: 17, anonymous: 'refuse', servicePath: '/products/7' },
  };
  const owner = { capability: 'catalogue', user: 'everybody', bucket: 17, side: 'service', moving: true } as const;
  const lines = renderRoute({ of }, owner, VIEW).join('\n');
  expect(lines).toContain('user        everybody’s: the Plan says split: none, so it is all on one side');
  expect(lines).toContain('side        service, and it is being moved just now');
  expect(lines).not.toContain('bucket');
  expect(lines).not.toContain('constant');
});
