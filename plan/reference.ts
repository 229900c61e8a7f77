import { planJsonSchema } from './schema.ts';

/** As much of a JSON Schema as ours has. */
type Shape = {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Shape;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
};

/** A field of the Plan: `needed`, `optional`, or `one of these` where others can stand in its place. */
type Field = { readonly path: string; readonly shape: Shape; readonly without: string };

const HEAD = `# The Plan

Every field of \`strangler.yaml\`. Generated from its schema by \`strangler schema --markdown\`; \`strangler schema\` prints the JSON Schema for your editor, and \`strangler check\` names every mistake of form at once, then every one of meaning.

- **Durations** are numbers with \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`: \`500ms\`, \`10m\`. **Sizes** have \`B\`, \`kB\`, \`KiB\`, \`MB\`, \`MiB\`, \`GB\` or \`GiB\`. **Percentages** end in \`%\`.
- **Routes** are a method (or \`ANY\`) and a path, as Express knows them: \`:name\` is one whole segment, \`*\` too, and \`**\` at the end any number of them. What varies is best named: replies are counted and compared by route.
- \`\${NAME}\` is replaced by the environment's value, anywhere. Keep passwords and tokens there.
- _needed_: there is no default. _optional_: it may be left out. _one of these_: exactly one of the fields so marked.`;

/** docs/plan.md: every field of the Plan with its type, default and meaning. */
export function planReference(): string {
  const sections: string[] = [];
  walk('', planJsonSchema() as Shape, sections);
  return `${HEAD}\n\n${sections.join('\n\n')}\n`;
}

/** A section for the fields of this shape, then one for each field that has fields itself. */
function walk(path: string, shape: Shape, sections: string[]): void {
  const fields = fieldsOf(path, shape);
  if (path) sections.push(`## \`${path}\``);
  if (path && shape.description) sections.push(shape.description);
  sections.push(tableOf(fields));
  for (const field of fields) {
    const inner = nested(field);
    if (inner) walk(inner.path, inner.shape, sections);
  }
}

function fieldsOf(path: string, shape: Shape): Field[] {
  const prefix = path ? `${path}.` : '';
  const variants = variantsOf(shape).filter(({ properties }) => properties);
  const all = variants.flatMap(({ properties = {}, required = [] }) =>
    Object.entries(properties).map(([name, inner]) => ({
      path: `${prefix}${name}`,
      shape: inner,
      without: required.includes(name) ? neededWith(name, variants.length > 1 ? required[0]! : undefined) : 'optional',
    })),
  );
  return all.filter(({ path }, at) => all.findIndex((other) => other.path === path) === at);
}

/** Of several alternatives, each has a `first` field by which it is chosen. */
function neededWith(name: string, first: string | undefined): string {
  if (first === undefined) return 'needed';
  return name === first ? 'one of these' : `needed with ${first}`;
}

const variantsOf = (shape: Shape): readonly Shape[] => shape.anyOf ?? [shape];

/** The shape below a field, if that has fields: its own, or those of each entry where the names are the reader's. */
function nested({ path, shape }: Field): { path: string; shape: Shape } | undefined {
  const below = shape.additionalProperties;
  if (typeof below === 'object' && below.properties) {
    const entry = shape.propertyNames?.title === 'name' ? 'NAME' : 'TABLE';
    return { path: `${path}.${entry}`, shape: { ...below, description: shape.description ?? '' } };
  }
  const entry = shape.items;
  if (entry && variantsOf(entry).some(({ properties }) => properties)) {
    return { path: `${path}[]`, shape: { ...entry, description: shape.description ?? '' } };
  }
  return variantsOf(shape).some(({ properties }) => properties) ? { path, shape } : undefined;
}

function tableOf(fields: readonly Field[]): string {
  const rows = fields.map(({ path, shape, without }) => [
    `\`${path.slice(path.lastIndexOf('.') + 1)}\``,
    typeOf(shape),
    defaultOf(shape, without),
    shape.description ?? '',
    exampleOf(shape),
  ]);
  const all = [['field', 'type', 'default', 'meaning', 'example'], ...rows.map((row) => row.map(inCell))];
  const widths = all[0]!.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  const [head, ...body] = all;
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (value: unknown): string => `\`${typeof value === 'string' ? value : yaml(value)}\``;

function typeOf(shape: Shape): string {
  if (shape.title) return shape.title;
  if (shape.anyOf) return [...new Set(shape.anyOf.map(typeOf))].join(', or ');
  if (shape.const !== undefined) return code(shape.const);
  if (shape.enum) return shape.enum.map(code).join(', or ');
  if (shape.items) return `list: ${typeOf(shape.items)}`;
  if (shape.type === 'integer') return `whole number${shape.minimum === undefined ? '' : ` from ${shape.minimum}`}`;
  if (shape.type === 'object') {
    const below = shape.additionalProperties;
    return typeof below === 'object' ? `${shape.propertyNames?.title ?? 'text'} → ${typeOf(below)}` : 'fields, below';
  }
  return { string: 'text', boolean: '`true`, or `false`', number: 'number' }[shape.type ?? ''] ?? 'any';
}

function defaultOf({ default: value, properties }: Shape, without: string): string {
  if (value === undefined) return `_${without}_`;
  const isNothing = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  if (isNothing) return properties ? 'theirs' : 'none';
  return code(value);
}

const exampleOf = ({ examples, anyOf = [] }: Shape): string =>
  (examples ?? anyOf.flatMap((variant) => variant.examples ?? [])).map(code).join(', or ');

/** A value as it is written into YAML, on one line. */
function yaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => `${quoted(key)}: ${quoted(inner)}`);
    return `{ ${entries.join(', ')} }`;
  }
  return String(value);
}

const quoted = (value: unknown): string =>
  typeof value === 'string' && !/^[\w./:-]+$/.test(value) ? JSON.stringify(value) : yaml(value);
