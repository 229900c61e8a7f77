import { expect, test } from '@jest/globals';
import { homeOf } from './home.ts';
import { servers } from './servers.ts';

test('without servers the error names the command that starts them', async () => {
  const home = homeOf({ STRANGLER_HOME: '/nonexistent/home' });
  await expect(servers(home)).rejects.toMatchObject({
    message: 'There is no /nonexistent/home/servers.json: the servers are not up.',
    next: 'npm run servers -- up',
  });
});
