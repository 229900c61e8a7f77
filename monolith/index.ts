export { createMonolith, type Monolith, type MonolithConfig } from './app.ts';
export { migrate } from './migrate.ts';
export { hashPassword } from './password.ts';
