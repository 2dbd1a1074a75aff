// The command line, and every setting with where it came from.

import type { Json } from '../../base/events.js';
import { escapeHtml } from '../chart.js';
import type { Section } from './section.js';

export const config: Section = ({ start }) => {
  const rows = flatten(start.config).map(([key, value]) => {
    const origin = (Object.hasOwn(start.origins, key) ? start.origins[key] : undefined) ?? 'default';
    const quiet = origin === 'default' ? ' class="default"' : '';
    return `<tr${quiet}><td class="key"><code>${escapeHtml(key)}</code></td><td><code>${escapeHtml(value)}</code></td><td>${escapeHtml(origin)}</td></tr>`;
  });
  return `<h2>Configuration</h2>
<pre>${escapeHtml(start.command)}</pre>
<details><summary>All ${rows.length} settings and where they came from</summary>
<div class="scroll"><table><tr><th>key</th><th>value</th><th>from</th></tr>${rows.join('\n')}</table></div></details>`;
};

/** { a: { b: 1 } } -> [['a.b', '1']] */
function flatten(value: Json | undefined, path = ''): [string, string][] {
  if (value === undefined) return [];
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
}
