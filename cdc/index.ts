export { type Cdc, type CdcOptions, startCdc } from './cdc.ts';
export { type InitOptions, init } from './init.ts';
export { remove } from './remove.ts';
