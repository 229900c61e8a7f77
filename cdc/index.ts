export { type Cdc, type CdcOptions, startCdc } from './cdc.ts';
export { doctor } from './doctor/doctor.ts';
export type { Finding } from './doctor/finding.ts';
export { type InitOptions, init } from './setup/init.ts';
export { remove } from './setup/remove.ts';
export { type SurveyReport, survey } from './survey/survey.ts';
export { type VerifyResult, verify } from './verify.ts';
