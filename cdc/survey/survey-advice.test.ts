import { expect, test } from '@jest/globals';
import { parsePlan } from '@strangler/plan';
import { adviceOn } from './survey-advice.ts';

const PLAN = parsePlan(
  JSON.stringify({
    ...{ version: 1, name: 'shop', monolith: { database: 'mysql://a:b@h/d' } },
    kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
    control: { tokens: { admin: 'admin-token', proxy: 'proxy-token' } },
    capabilities: {
      pages: { split: 'none', service: { database: 'postgres://a:b@h/p' }, tables: { pages: {} } },
      tasks: { service: { database: 'postgres://a:b@h/d' }, tables: { tasks: { user: 'user_id' } } },
    },
  }),
  {},
).capabilities;

test('a route with two ids is told as the Plan takes it, each parameter once', () => {
  const finding = { table: 'tasks', op: 'update', columns: ['state'], cause: 'unrouted', count: 3 } as const;
  const { lines } = adviceOn(
    { ...finding, route: 'POST /projects/{id}/tasks/{id}/archive', samples: [] },
    { capability: 'tasks', explainedBy: [] },
    PLAN.tasks!,
  );
  expect(lines).toEqual(['capabilities.tasks.routes: add "POST /projects/:id/tasks/:id2/archive"']);
});

test('what is everybody’s goes through the proxy on a route of the Plan, or is declared', () => {
  const finding = { table: 'pages', op: 'update', columns: ['body'], cause: 'elsewhere', count: 3 } as const;
  const { what, lines, writer } = adviceOn(
    { ...finding, route: 'POST /admin/pages/{id}', samples: [] },
    { capability: 'pages', explainedBy: [] },
    PLAN.pages!,
  );
  expect(what).toContain('which is no route of pages');
  expect(lines.join()).toContain('on one of capabilities.pages.routes');
  expect(writer).toBe('{ by: "POST /admin/pages/{id}", columns: [body] }');
});
