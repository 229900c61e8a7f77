import { isAgreed, UNRATED } from '../engine/compare-replies.ts';
import type { Noise } from '../learn/noise.ts';
import { type Proposal, propose, whatItHides } from '../learn/suggest.ts';
import type { Group, RouteTally } from '../learn/tally.ts';
import { escaped } from './junit.ts';
import { outcomeOf } from './outcome.ts';
import { countsOf, DIFFERENCE_PHRASES, distinct, OUTCOME_PHRASES, REFUSAL_PHRASES, timesOf } from './phrases.ts';
import type { CaseReport, Report } from './report.ts';
import { caseCount } from './report.ts';

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5f6b76;--line:#dfe3e7;--paper:#fff;--card:#f7f8f9;--high:#c62828;--medium:#b26a00;--low:#2f6f9f;--good:#2e7d32;--old:#fdecea;--new:#e8f5e9}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#98a2ac;--line:#343a40;--paper:#16181a;--card:#1e2124;--high:#ef7a73;--medium:#f0b15a;--low:#7db9e8;--good:#81c784;--old:#3a2021;--new:#1d3222}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:70rem;margin:0 auto;padding:2rem 1.25rem 4rem}h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2.5rem 0 .75rem}
.soft{color:var(--soft)}.equal{color:var(--good)}.mismatch,.failed{color:var(--high)}.insufficient{color:var(--medium)}
.numbers{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}.numbers div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.5rem 1rem}
.numbers b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}
details{border:1px solid var(--line);border-radius:8px;margin:.5rem 0;background:var(--card)}summary{cursor:pointer;padding:.6rem .9rem;overflow-wrap:anywhere}
details>div{padding:0 .9rem .9rem}code,pre{font:13px/1.45 ui-monospace,monospace}pre{margin:0;padding:.6rem .75rem;border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.5rem;margin:.35rem 0 .9rem}.old{background:var(--old)}.new{background:var(--new)}.old::before,.new::before{float:right;color:var(--soft);font-family:system-ui,sans-serif}.old::before{content:'old'}.new::before{content:'new'}
.wide{overflow-x:auto}.badge{display:inline-block;min-width:4.6rem;font-size:.8rem;font-weight:600}.high{color:var(--high)}.medium{color:var(--medium)}.low{color:var(--low)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere;min-width:4rem}td code{display:inline-block;min-width:9rem}th{white-space:nowrap}td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
button{font:inherit;font-size:.85rem;border:1px solid var(--line);border-radius:6px;background:var(--paper);color:inherit;padding:.15rem .6rem;cursor:pointer}
@media(max-width:40rem){.pair{grid-template-columns:1fr}}`;

const SCRIPT = `document.addEventListener('click',async(e)=>{const b=e.target.closest('button[data-copy]');if(!b)return;
await navigator.clipboard.writeText(b.parentElement.nextElementSibling.textContent);b.textContent='copied'})`;

/** More than anybody reads. */
const MOST_GROUPS = 300;
const MOST_CASES = 1_000;

/** The report as one HTML file that needs nothing else: no script is needed to read it, and none comes from outside. */
export function htmlOf(
  report: Report,
  { title, minimum }: { readonly title: string; readonly minimum?: number | undefined },
): string {
  const outcome = outcomeOf(report, minimum);
  const { routes } = report.tally;
  const groups = report.tally.groups.slice(0, MOST_GROUPS);
  const more = report.tally.groups.length - groups.length;
  const numbers = Object.entries(report.counts).filter(([, count]) => count > 0);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body><main>
<h1 class="${outcome}">${OUTCOME_PHRASES[outcome]}</h1><p class="soft">${escaped(title)}</p>
<div class="numbers">${numbers.map(([kind, count]) => `<div><b>${escaped(String(count))}</b>${escaped(kind)}</div>`).join('')}</div>
${section('What differs', [
  ...groups.map((group) => groupPart(group, groups)),
  ...(more > 0 ? [`<p class="soft">… and ${more} more groups</p>`] : []),
])}
${section(
  'What the old side answers differently by itself',
  (report.noise ?? []).slice(0, MOST_GROUPS).map((noise) => noisePart(noise, groups)),
)}
${section(
  'Rules that need a look',
  report.findings.map(
    ({ rule, level, message }) =>
      `<p><span class="badge ${level === 'failure' ? 'high' : 'medium'}">${escaped(level)}</span><code>${escaped(rule)}</code> ${escaped(message)}</p>`,
  ),
)}
<h2>Endpoints</h2><div class="wide"><table><tr><th>endpoint<th class="n">compared<th class="n">differ<th class="n">rate<th>not in the rate</tr>
${routes.map(routeRow).join('\n')}
</table></div>
${report.cases ? casesPart(report.cases, caseCount(report.counts)) : ''}</main><script>${SCRIPT}</script></body></html>
`;
}

const section = (title: string, parts: readonly string[]) =>
  parts.length === 0 ? '' : `<h2>${title}</h2>\n${parts.join('\n')}`;

function groupPart(group: Group, groups: readonly Group[]): string {
  const proposal = propose(group, groups);
  const rule = proposal ? proposalPart(proposal) : '<p class="soft">No rule should hide this.</p>';
  return foldedPart(group, rule, group.severity === 'high');
}

/** What differs although nobody changed anything: read it, and accept the rule if it may. */
function noisePart({ group, proposal, refused }: Noise, groups: readonly Group[]): string {
  const rule = proposal
    ? proposalPart({ rule: proposal, hides: whatItHides(proposal, groups) })
    : `<p class="soft">No rule is proposed: ${REFUSAL_PHRASES[refused!]}.</p>`;
  return foldedPart(group, rule, false);
}

function foldedPart(group: Group, rule: string, open: boolean): string {
  const { id, severity, route, path, kind, samples } = group;
  const shown = distinct(samples).map(({ at, place, old, new: newer, more }) => {
    const where = [at, place].filter((part) => part !== undefined).join(' · ');
    const others = more > 0 ? `, and ${more} more like it` : '';
    return `<div class="soft">${escaped(where)}${others}</div><div class="pair"><pre class="old">${value(old)}</pre><pre class="new">${value(newer)}</pre></div>`;
  });
  return `<details${open ? ' open' : ''}><summary><span class="badge ${escaped(severity)}">${escaped(severity)}</span><code>${escaped(path)}</code> ${DIFFERENCE_PHRASES[kind]}
<span class="soft">in ${escaped(route)}, ${escaped(timesOf(group))} · group ${escaped(id)}</span></summary><div>${shown.join('')}${rule}</div></details>`;
}

function proposalPart({ rule, hides: all }: Proposal): string {
  const hidden = all.map(
    ({ route, kind, path, differences, samples, of }) =>
      `<li><code>${escaped(path)}</code> ${DIFFERENCE_PHRASES[kind]} in ${escaped(route)}, ${escaped(`${differences}`)} times${samples < of ? ` (${samples} of ${of} samples)` : ''}</li>`,
  );
  const hides = hidden.length > 0 ? `<p>It would have hidden:</p><ul>${hidden.join('')}</ul>` : '';
  return `<details><summary>If this is meant: a rule, and what it would have hidden</summary><div><p><button data-copy>copy</button></p><pre>${escaped(JSON.stringify(rule, undefined, 2))}</pre>${hides}</div></details>`;
}

const value = (sample: string | undefined) => (sample === undefined ? '<i>absent</i>' : escaped(sample));

function routeRow({ route, counts, comparable, mismatches, rate }: RouteTally): string {
  const share = rate === undefined ? '–' : `${(rate * 100).toFixed(1)} %`;
  return `<tr><td><code>${escaped(route)}</code><td class="n">${escaped(`${comparable}`)}<td class="n">${escaped(`${mismatches}`)}<td class="n">${share}<td>${escaped(countsOf(counts, UNRATED))}</tr>`;
}

/** Of very many cases those that disagree come first, and the rest is only counted. */
function casesPart(cases: readonly CaseReport[], count: number): string {
  const sorted = cases.length > MOST_CASES ? [...cases].sort((a, b) => agreement(a) - agreement(b)) : cases;
  const shown = sorted.slice(0, MOST_CASES);
  const more =
    count > shown.length ? `<p class="soft">… and ${count - shown.length} more, all of them counted above</p>` : '';
  return `<h2>Cases</h2><div class="wide"><table><tr><th>case<th>request<th class="n">old<th class="n">new<th>result</tr>
${shown.map(caseRow).join('\n')}
</table>${more}`;
}

const agreement = ({ result }: CaseReport) => Number(isAgreed(result.kind));

const caseRow = ({ name, method, path, old, new: newer, result }: CaseReport) =>
  `<tr><td>${escaped(name)}<td><code>${escaped(`${method} ${path}`)}</code><td class="n">${escaped(`${old ?? '–'}`)}<td class="n">${escaped(`${newer ?? '–'}`)}<td class="${isAgreed(result.kind) ? 'equal' : 'mismatch'}">${escaped(result.kind)}${result.reason === undefined ? '' : `<div class="soft">${escaped(result.reason)}</div>`}</tr>`;
