export { createApp, type NotificationsConfig, type NotificationsService } from './app.ts';
export { migrate } from './migrate.ts';
