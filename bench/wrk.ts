import { debianTool } from '@strangler/servers';
import { type Command, runCommand } from './child.ts';
import { say } from './screen.ts';

/** What one run of wrk measured: requests per second, latencies in milliseconds. */
export type Load = { readonly requestsPerSecond: number; readonly p50: number; readonly p99: number };

/** One request as wrk sends it. */
export type Ask = { readonly path: string; readonly headers: Readonly<Record<string, string>> };

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;

/** A script for wrk that sends these requests in turn and ends by printing what it measured as JSON. */
export function wrkScript(asks: readonly Ask[]): string {
  const requests = asks.map(({ path, headers }) => {
    const fields = Object.entries(headers).map(([name, value]) => `[${quoted(name)}]=${quoted(value)}`);
    return `  wrk.format("GET", ${quoted(path)}, {${fields.join(', ')}}),`;
  });
  return `local requests, at = {}, 0
init = function(args)
  requests = {
${requests.join('\n')}
  }
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%.3f,"p99":%.3f,"failed":%d,"refused":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.timeout, e.status))
end
`;
}

/** Reads what `wrkScript` prints last. Throws if it is not there, or if any request was not answered as it should be. */
export function readLoad(output: string): Load {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`wrk measured nothing; it said:\n${output.trim()}`);
  const { requests, microseconds, p50, p99, failed, refused } = JSON.parse(last) as Record<string, number>;
  if (!requests) throw new Error('wrk got no answer at all');
  if (failed || refused) {
    throw new Error(`of ${requests} requests ${refused} were answered 4xx or 5xx, and ${failed} connections failed`);
  }
  return { requestsPerSecond: requests / (microseconds! / 1e6), p50: p50!, p99: p99! };
}

/** Loads `url` with this many connections for so many seconds, from one thread. */
export async function loadWith(
  script: string,
  url: string,
  { connections, seconds, signal }: { connections: number; seconds: number; signal: AbortSignal },
): Promise<Load> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
  const command: Command = await debianTool('wrk', 'usr/bin/wrk', args, say);
  return readLoad(await runCommand(command, signal));
}
