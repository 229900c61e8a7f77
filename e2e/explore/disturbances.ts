import type { Status, Step, World } from './world.ts';

/** What may happen to the service's database. */
export function disturbances(world: World): Step[] {
  const { serviceIs, left, service, reverse } = world;
  if (serviceIs === 'away') return [{ label: 'the service’s database is back', next: { ...world, serviceIs: 'up' } }];
  if (serviceIs === 'gone') return [];
  const steps: Step[] = [];
  if (left.outages > 0) {
    const next: World = { ...world, serviceIs: 'away', left: { ...left, outages: left.outages - 1 } };
    steps.push({ label: 'the service’s database goes away', next });
  }
  if (left.disasters > 0) {
    const requests = world.requests.map(
      (status): Status =>
        (status.is === 'sent' || status.is === 'lost') && status.to === 'service'
          ? { is: 'unanswered', effect: false }
          : status,
    );
    const read = Math.min(...reverse.map(({ next }) => next)) - service.first;
    const gone: World = { ...world, requests, serviceIs: 'gone', left: { ...left, disasters: left.disasters - 1 } };
    steps.push({ label: 'the service’s database is gone for good; its log is in Kafka', next: gone });
    if (read < service.log.length) {
      const next = { ...gone, service: { ...service, log: service.log.slice(0, read) } };
      steps.push({ label: 'the service’s database is gone for good, and what nobody had read of its log', next });
    }
  }
  return steps;
}
