import { compareReplies, PATIENT, type Reply, ruleSet, toReply } from '@strangler/compare';
import deepDiff from 'deep-diff';
import fastJsonPatch from 'fast-json-patch';
import { diff as jsonDiffTs } from 'json-diff-ts';
import { create as createJsonDiffPatch } from 'jsondiffpatch';
import { diff as justDiff } from 'just-diff';
import microdiff from 'microdiff';

/** Reads a body of JSON as it came, and compares two that it has read: gives how many differences it found. */
export interface Differ {
  read(body: Uint8Array): unknown;
  compare(old: never, newer: never): number;
}

const jsonDiffPatch = createJsonDiffPatch({ objectHash: (order) => String((order as { id: unknown }).id) });

/** A peer gets what JSON.parse makes of the bodies: it does less, because digits are lost on the way. */
const peer = (compare: (old: object, newer: object) => number): Differ => ({
  read: (body) => JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()),
  compare,
});

const count = (delta: unknown): number =>
  typeof delta !== 'object' || delta === null || Array.isArray(delta)
    ? 1
    : Object.entries(delta).reduce((sum, [name, inside]) => sum + (name === '_t' ? 0 : count(inside)), 0);

const headers = { 'content-type': 'application/json' };

/** One for all, as in a proxy or a suite. */
const rules = ruleSet([]);

const ours: Differ = {
  read: (body) => {
    const reply = toReply({ status: 200, headers, body });
    if (reply.body.kind !== 'json') throw new Error(`read as ${reply.body.kind}`);
    return reply;
  },
  compare: (old: Reply, newer: Reply) => compareReplies(old, newer, rules, { budget: PATIENT }).differences.length,
};

/** Ours, and the differs people take, with the options that suit lists of orders best. */
export const DIFFERS: Readonly<Record<string, Differ>> = {
  ours,
  'fast-json-patch': peer((old, newer) => fastJsonPatch.compare(old, newer).length),
  microdiff: peer((old, newer) => microdiff(old, newer as typeof old, { cyclesFix: false }).length),
  'deep-diff': peer((old, newer) => deepDiff(old, newer)?.length ?? 0),
  'just-diff': peer((old, newer) => justDiff(old, newer).length),
  jsondiffpatch: peer((old, newer) => {
    const delta = jsonDiffPatch.diff(old, newer);
    return delta === undefined ? 0 : count(delta);
  }),
  'json-diff-ts': peer((old, newer) => jsonDiffTs(old, newer, { embeddedObjKeys: { orders: 'id' } }).length),
};
