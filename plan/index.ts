export * from './admin.ts';
export { bucketOf, murmur3 } from './bucket.ts';
export * from './link.ts';
export { loadPlan, type Mistake, PlanError, parsePlan } from './load.ts';
export { errorForLog } from './log-error.ts';
export * from './names.ts';
export * from './ownership.ts';
export { parseRoute, type Route, routeMatches } from './routes.ts';
export {
  type Capability,
  type DatabaseAddresses,
  type Plan,
  planJsonSchema,
  proxyDefaults,
  type Table,
} from './schema.ts';
export { parseDuration, parsePercentage, parseSize, sayDuration } from './units.ts';
export * from './words.ts';
