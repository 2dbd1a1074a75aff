// The command line, and every setting as YAML with where it came from, which one click selects.

import type { Json } from '../../base/events.js';
import { escapeHtml } from '../chart.js';
import type { Section } from './section.js';

export const config: Section = ({ start }) => {
  const { text, settings } = yamlText(start.config, start.origins);
  const block = (name: string, content: string) =>
    `<pre class="copy" tabindex="0" role="group" aria-label="${name}">${content}</pre>`;
  const yaml =
    settings === 0
      ? ''
      : `<details class="print"><summary>All ${settings} settings as YAML, each with where it came from</summary>
${block('configuration', text)}</details>`;
  return {
    id: 'configuration',
    title: 'Configuration',
    html: `${block('command line', escapeHtml(start.command))}
<p class="note after">A click selects a whole block, to copy it.</p>
${yaml}`,
  };
};

const COLUMN = 40;

/** HTML: the configuration as YAML that gpt reads again, the origin of each key as a comment. */
function yamlText(value: Json, origins: Readonly<Record<string, string>>): { text: string; settings: number } {
  let settings = 0;
  const lines = (object: Json, path: string, indent: string): string[] =>
    Object.entries(Object(object) as Record<string, Json | undefined>).flatMap(([name, inner]) => {
      if (inner === undefined) return [];
      const key = path === '' ? name : `${path}.${name}`;
      const named = `${indent}${yamlKey(name)}:`;
      const isObject = inner !== null && typeof inner === 'object' && !Array.isArray(inner);
      if (isObject && Object.keys(inner).length > 0) return [escapeHtml(named), ...lines(inner, key, `${indent}  `)];
      settings++;
      const origin = (Object.hasOwn(origins, key) ? origins[key] : undefined) ?? 'default';
      const setting = escapeHtml(`${named} ${yamlValue(inner)}`.padEnd(COLUMN));
      const comment = `<span class="origin"># ${escapeHtml(origin)}</span>`;
      return [origin === 'default' ? `<span class="default">${setting} ${comment}</span>` : `${setting} ${comment}`];
    });
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  return { text: isObject ? lines(value, '', '').join('\n') : '', settings };
}

const PLAIN = /^[A-Za-z_][\w./-]*$/; // and no word that YAML reads otherwise
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

const yamlKey = (name: string): string => (PLAIN.test(name) && !WORDS.test(name) ? name : JSON.stringify(name));

function yamlValue(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(yamlValue).join(', ')}]`;
  if (typeof value === 'string') return yamlKey(value);
  return JSON.stringify(value);
}
