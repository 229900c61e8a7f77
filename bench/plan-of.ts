/** The Plan of one capability, orders, between two ports; more may be added to the capability at its end. */
export const planOf = (monolith: number, service: number, control: number): string => `version: 1
name: bench
monolith: { url: "http://127.0.0.1:${monolith}" }
control: { listen: "127.0.0.1:${control}", tokens: { admin: bench-admin, proxy: bench-proxy } }
capabilities:
  orders:
    service: { url: "http://127.0.0.1:${service}" }
    routes: ["ANY /api/orders", "ANY /api/orders/**"]
    user: [{ jwt: { claim: sub, verify: none } }]
    anonymous: monolith
`;
