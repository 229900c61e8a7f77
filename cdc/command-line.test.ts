import { describe, expect, test } from '@jest/globals';
import { readCommand, UsageError } from './command-line.ts';

describe('the command line', () => {
  test('runs by default, with the Plan of the present folder', () => {
    expect(readCommand([])).toMatchObject({ name: 'run', plan: 'strangler.yaml' });
  });

  test('takes capabilities to verify', () => {
    expect(readCommand(['verify', 'orders', '--json', '--plan', 'p.yaml'])).toMatchObject({
      name: 'verify',
      words: ['orders'],
      json: true,
      plan: 'p.yaml',
    });
  });

  test('takes what to do with which entries of the quarantine', () => {
    const args = [
      'quarantine',
      'resolve',
      'orders:forward:12',
      '--keep',
      'late',
      '--seen',
      '1a2b',
      '--reason',
      'agreed',
    ];
    expect(readCommand(args)).toMatchObject({
      name: 'quarantine',
      words: ['resolve', 'orders:forward:12'],
      keep: 'late',
      seen: '1a2b',
      reason: 'agreed',
    });
  });

  test('names its commands, and says where each is explained', () => {
    for (const args of [['--help'], ['remove', '--help']])
      expect(readCommand(args)).toEqual({
        help: expect.stringMatching(/run\|init\|.*remove.*strangler COMMAND --help/s),
      });
  });

  test('refuses what it does not know', () => {
    for (const args of [['copy'], ['--frob'], ['init', 'orders']]) expect(() => readCommand(args)).toThrow(UsageError);
  });
});
