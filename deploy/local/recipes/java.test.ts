import { expect, test } from '@jest/globals';
import { downloadedBytes, javaVersion } from './java.ts';

test('the major version of Java is read in its old and its new spelling', () => {
  expect(javaVersion('openjdk version "17.0.15" 2025-04-15')).toBe(17);
  expect(javaVersion('openjdk version "25" 2025-09-16')).toBe(25);
  expect(javaVersion('java version "1.8.0_412"')).toBe(8);
  expect(javaVersion('command not found')).toBeUndefined();
});

test('the bytes that Maven has fetched are counted from its lines', () => {
  expect(downloadedBytes('Downloaded from central: https://x.example/a.jar (1.5 MB at 3 MB/s)')).toBe(1.5e6);
  expect(downloadedBytes('[INFO] Downloaded from central: https://x.example/a.pom (512 B at 9 kB/s)')).toBe(512);
  expect(downloadedBytes('[INFO] BUILD SUCCESS')).toBe(0);
});
