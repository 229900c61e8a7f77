export { down, type PartStatus, reset, type SetStatus, status } from './commands.ts';
export { debianTool } from './debian-tool.ts';
export { type Servers, servers } from './servers.ts';
export { up } from './up.ts';
