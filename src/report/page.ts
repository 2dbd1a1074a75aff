// A report as one page that needs nothing else: no network, no script, light and dark, printable.

import { escapeHtml } from './chart.js';
import { STYLE } from './style.js';

/** The whole page. `body` is HTML; every text in it must be escaped already. */
export const page = (title: string, body: string): string =>
  frame(`${title} · gpt report`, body, {
    head: `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
  });

/** A page with something more around its <main>, which is HTML too: a watched run's (watch/page.ts). */
export const frame = (
  title: string,
  body: string,
  { head, above = '', below = '' }: { readonly head: string; readonly above?: string; readonly below?: string },
): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
${head}
<a class="skip" href="#report">Skip to the report</a>
${above}<main id="report" tabindex="-1">
${body}
</main>
${below}</html>
`;
