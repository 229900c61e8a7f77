import { bucketOf, type Plan } from '@strangler/plan';
import { compileSource } from './identity/compile.ts';
import { type Identity, identifyBy } from './identity/identify.ts';
import { Places } from './identity/places.ts';
import { sourceName } from './identity/source-name.ts';
import { originForm, readingsOf } from './path.ts';
import { isWrite, rewritten, routedCapabilities, routeTaken } from './route.ts';

/** What the Plan makes of a request. */
export type Explanation = {
  /** Without: it belongs to no capability, and is the monolith’s. */
  readonly of?: {
    readonly capability: string;
    /** The route it takes, and what its parameters are. */
    readonly route: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly isWrite: boolean;
    /** What each source says by itself, in the order in which they are asked. */
    readonly sources: readonly { readonly source: string; readonly says: Identity }[];
    readonly identity: Identity;
    /** Whether its requests are of different users; else they are all everybody’s, who moves at once. */
    readonly splits: boolean;
    readonly group: string;
    /** Of the user, 0…9999. */
    readonly bucket?: number;
    readonly anonymous: 'monolith' | 'refuse';
    /** The path as the service would be asked for it. */
    readonly servicePath: string;
  };
};

/**
 * Says what a proxy with this Plan would make of a request with these headers (names and values in turn), and asks for
 * that whom the proxy would ask. Throws RefusedRequest for a path that no proxy forwards.
 */
export async function explain(
  plan: Plan,
  method: string,
  target: string,
  headers: readonly string[],
): Promise<Explanation> {
  const places = new Places();
  try {
    return await explainBy(plan, method, target, headers, places);
  } finally {
    await places.close();
  }
}

async function explainBy(
  plan: Plan,
  method: string,
  target: string,
  headers: readonly string[],
  places: Places,
): Promise<Explanation> {
  const { target: path } = originForm(target);
  const readings = readingsOf(path);
  const taken = routeTaken(routedCapabilities(plan, places), method, readings);
  if (!taken) return {};
  const { routed, route, parameters } = taken;
  const { user = [], userType } = plan.capabilities[routed.name]!;
  const asked = { method, isWrite: isWrite(routed, method, readings), headers, target: path, parameters };
  const sources = user.map(async (source) => ({
    source: sourceName(source),
    says: await identifyBy([compileSource(source, { capability: routed.name, plan, places })], userType)(asked),
  }));
  const identity = await routed.identify(asked);
  return {
    of: {
      capability: routed.name,
      route: `${route.method} ${route.path}`,
      parameters: Object.fromEntries(parameters ?? []),
      isWrite: asked.isWrite,
      sources: await Promise.all(sources),
      identity,
      splits: routed.splits,
      group: routed.group,
      ...('user' in identity && { bucket: bucketOf(routed.group, identity.user) }),
      anonymous: routed.anonymous,
      servicePath: rewritten(routed.rewrite, path),
    },
  };
}
