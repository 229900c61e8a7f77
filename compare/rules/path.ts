/** One step of a rule's path: a member, an element, every member or element, or (before another step) any depth. */
export type Segment = { name: string } | { index: number } | { any: true } | { deep: true };

/** A place in a document while it is walked: its key and the place that holds it. The root has depth 0 and no key. */
export interface Place {
  readonly parent: Place | undefined;
  readonly key: string | number;
  readonly depth: number;
}

const SEGMENT =
  /\.(?=\.[A-Za-z_$*])|\.\*|\[\*\]|\.([A-Za-z_$][\w$-]*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * Reads a path of the RFC 9535 subset `$.a.b`, `$.a[0]`, `$.a[*]`, `$['odd name']`, `$..a`; throws with the spot it
 * failed at.
 */
export function parsePath(text: string, root = '$'): Segment[] {
  if (!text.startsWith(root)) throw new SyntaxError(`must begin with ${root}`);
  const segments: Segment[] = [];
  SEGMENT.lastIndex = root.length;
  while (SEGMENT.lastIndex < text.length) {
    const from = SEGMENT.lastIndex;
    const match = SEGMENT.exec(text);
    if (!match) {
      throw new SyntaxError(
        `not understood from "${text.slice(from)}" on; known are .name, ..name, ['name'], [0], [*] and .*`,
      );
    }
    segments.push(segmentOf(match));
  }
  return segments;
}

function segmentOf([whole, name, index, single, double]: RegExpExecArray): Segment {
  if (whole === '.') return { deep: true };
  if (index !== undefined) return { index: Number(index) };
  const quoted = single ?? double;
  if (quoted !== undefined) return { name: quoted.replace(/\\(.)/g, '$1') };
  return name === undefined ? { any: true } : { name };
}

/** `$.items[3].total`: where a difference was found. */
export const concretePath = (place: Place | undefined, root: string) =>
  render(place, root, (key) => (typeof key === 'number' ? `[${key}]` : memberStep(key)));

/** `$.items[*].total`: the same with every index made `[*]`, so that like differences can be counted together. */
export const templatePath = (place: Place | undefined, root: string) =>
  render(place, root, (key) => (typeof key === 'number' ? '[*]' : memberStep(key)));

const SHOWN_STEPS = 64; // of a place nested thousands deep only the two ends are worth reading

function render(place: Place | undefined, root: string, step: (key: string | number) => string): string {
  const steps: string[] = [];
  const depth = place?.depth ?? 0;
  for (let at = place; at && at.depth > 0; at = at.parent) {
    if (at.depth <= SHOWN_STEPS / 2 || at.depth > depth - SHOWN_STEPS / 2) {
      steps.push(step(at.key));
    } else {
      steps.push('…');
      while (at.parent && at.parent.depth > SHOWN_STEPS / 2) at = at.parent;
    }
  }
  return root + steps.reverse().join('');
}

/** The step of a path that leads to a member. */
export function memberStep(name: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(name) ? `.${name}` : `['${name.replace(/['\\]/g, '\\$&')}']`;
}
