declare module 'deep-diff' {
  export default function deepDiff(old: unknown, newer: unknown): readonly object[] | undefined;
}
