export { RefusedRequest } from './answer.ts';
export { type Explanation, explain } from './explain.ts';
export { type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';
