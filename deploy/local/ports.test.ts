import { expect, test } from '@jest/globals';
import { choosePorts, defaultPorts } from './ports.ts';

test('an option goes before the environment, which goes before what was remembered, which goes before the default', () => {
  const ports = choosePorts(
    ['mysql=1001'],
    { STRANGLER_PORT_MYSQL: '1002', STRANGLER_PORT_KAFKA: '1003' },
    { mysql: 1004, kafka: 1005, connect: 1006 },
  );
  expect(ports).toEqual({ ...defaultPorts, mysql: 1001, kafka: 1003, connect: 1006 });
});

test('every mistake is named at once', () => {
  const wrong = () => choosePorts(['redis=1', 'kafka=0', 'mysql=one'], { STRANGLER_PORT_CONNECT: '70000' });
  for (const part of ['redis', '--port kafka=0', '"one"', 'STRANGLER_PORT_CONNECT']) expect(wrong).toThrow(part);
});

test('two servers cannot have one port', () => {
  expect(() => choosePorts(['mysql=5000', 'postgres=5000'], {})).toThrow(
    'mysql and postgres cannot both use port 5000',
  );
});
