import { describe, expect, test } from '@jest/globals';
import { readLoad, wrkScript } from './wrk.ts';

const measured = { requests: 90_000, microseconds: 3_000_000, p50: 0.9, p99: 3.25, failed: 0, refused: 0 };
const output = (more: Partial<typeof measured> = {}) =>
  `Running 3s test @ http://127.0.0.1:8080\n  90000 requests in 3.00s\n${JSON.stringify({ ...measured, ...more })}\n`;

describe('wrk', () => {
  test('its last line says requests per second and latencies in milliseconds', () => {
    expect(readLoad(output())).toEqual({ requestsPerSecond: 30_000, p50: 0.9, p99: 3.25 });
  });

  test('a run with any bad answer, any broken connection or no answer at all measures nothing', () => {
    expect(() => readLoad(output({ refused: 3 }))).toThrow('3 were answered 4xx or 5xx');
    expect(() => readLoad(output({ failed: 2 }))).toThrow('2 connections failed');
    expect(() => readLoad(output({ requests: 0 }))).toThrow('no answer at all');
  });

  test('a run that ended early shows what wrk said', () => {
    expect(() => readLoad('unable to connect to 127.0.0.1:1 Connection refused\n')).toThrow('Connection refused');
  });

  test('the script sends the requests as given, quotes and all', () => {
    const script = wrkScript([{ path: '/a', headers: { 'sec-ch-ua': '"Chromium";v="1"', authorization: 'Bearer x' } }]);
    expect(script).toContain(
      'wrk.format("GET", "/a", {["sec-ch-ua"]="\\"Chromium\\";v=\\"1\\"", ["authorization"]="Bearer x"})',
    );
  });
});
