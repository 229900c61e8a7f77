import { readdir, stat } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { openRecording } from '@strangler/compare/recording';
import { CommandLine, type Running } from './testing/command-line.ts';

const line = new CommandLine();

const target = () =>
  line.serve((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ path: request.url }));
  });

/** `url`: where requests come in, once it listens; undefined if it ended before. */
function record(...given: string[]): Running & { readonly url: Promise<string | undefined> } {
  const { child, ended } = line.start('record', ...given);
  const listening = Promise.withResolvers<string | undefined>();
  let said = '';
  child.stderr!.on('data', (chunk) => {
    said += chunk;
    const url = /through (\S+) to/.exec(said)?.[1];
    if (url) listening.resolve(url);
  });
  void ended.then(() => listening.resolve(undefined));
  return { child, url: listening.promise, ended };
}
const entriesOf = async (name: string) => JSON.parse(await line.read(name)).log.entries;

describe('strangler record', () => {
  test('records until Ctrl-C, and then says what is in the file and what is not', async () => {
    const { child, url, ended } = record(await target(), '--listen', ':0', '--out', 'shop.har', '--max-body', '20B');
    await (await fetch(`${await url}/a`)).text();
    await (await fetch(`${await url}/a-longer-path-than-that`)).text();
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(out).toBe(
      '2 requests in shop.har\n1 time only size and hash of a body were kept: over 20 bytes, or not readable\n',
    );
    expect(code).toBe(0);
    expect(await entriesOf('shop.har')).toHaveLength(2);
    expect((await stat(line.path('shop.har'))).mode & 0o077).toBe(0);
  });

  test('leaves a recording that can be read when it is killed with kill -9 amid requests', async () => {
    const { child, url, ended } = record(await target(), '--listen', ':0', '--out', 'shop.har');
    const to = await url;
    const path = line.path('shop.har');
    let sent = 0;
    const send = async () => {
      while (child.exitCode === null && child.signalCode === null)
        await fetch(`${to}/orders/${sent++}`).then(
          (response) => response.text(),
          () => undefined,
        );
    };
    const sending = [send(), send(), send(), send()];
    while ((await line.read('shop.har')).split('\n').length < 50) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await Promise.all([ended, ...sending]);
    const recording = await openRecording(path, new Date());
    expect(recording.entries.length).toBeGreaterThanOrEqual(45);
    expect((await recording.read(recording.entries.at(-1)!)).response.status).toBe(200);
    expect(recording.unusable.size).toBe(0);
    await recording.close();
  });

  test('gives the file an end date, and removes recordings whose end has come, and no other file', async () => {
    const first = record(await target(), '--listen', ':0', '--out', 'first.har', '--keep', '1ms');
    await first.url;
    first.child.kill('SIGINT');
    await first.ended;
    await line.write('browser.har', '{"log":{"version":"1.2","entries":[]}}');
    const second = record(await target(), '--listen', ':0', '--out', 'second.har', '--keep', '7d');
    await second.url;
    second.child.kill('SIGINT');
    expect((await second.ended).err).toContain('removed first.har: the time to keep it was over');
    expect((await readdir(line.folder)).sort()).toEqual(['browser.har', 'second.har']);
    const { until } = JSON.parse(await line.read('second.har')).log._strangler;
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(6.9 * 24 * 3_600_000);
  });

  test('ends with 2, the cause and the next step when it is used wrongly', async () => {
    const url = await target();
    await line.write('there.har', 'mine');
    await line.write('secrets.json', '{"ada": 17}');
    const { host } = new URL(url);
    const wrong: [string[], string][] = [
      [[url, '--listen', ':0', '--out', 'there.har'], 'there.har exists already: remove it, or choose another name'],
      [[url, '--listen', host, '--out', 'a.har'], `${host} is in use by another program: choose another with --listen`],
      [[url, '--listen', 'here', '--out', 'a.har'], '--listen here must be HOST:PORT'],
      [['localhost:1', '--listen', ':0', '--out', 'a.har'], 'write it as http://HOST:PORT'],
      [[url, '--listen', ':0', '--out', 'none/a.har'], 'none/a.har cannot be written: ENOENT'],
      [[url, '--listen', ':0', '--out', 'a.har', '--keep', 'long'], 'long is no duration'],
      [[url, '--listen', ':0', '--out', 'a.har', '--user', 'sub'], '--user sub must be jwt:CLAIM'],
      [[url, '--listen', ':0', '--out', 'a.har', '--redact', '$.a['], '$.a[ not understood'],
      [[url, '--listen', ':0', '--out', 'a.har', '--as-read', 'search'], 'search is no route'],
      [[url, '--listen', ':0', '--out', 'a.har', '--secrets', 'secrets.json'], '"ada" is no name'],
    ];
    for (const [given, message] of wrong) {
      const { code, err } = await record(...given).ended;
      expect([given, code, err]).toEqual([given, 2, expect.stringContaining(message)]);
    }
    expect(await line.read('there.har')).toBe('mine');
    expect(await readdir(line.folder)).not.toContain('a.har');
  });
});
