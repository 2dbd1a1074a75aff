// A report as one page that needs nothing else: no network, no script, light and dark, printable.

import { escapeHtml } from './chart.js';
import { STYLE } from './style.js';

/** The whole page. `body` is HTML; every text in it must be escaped already. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)} · gpt report</title>
<style>${STYLE}</style>
<a class="skip" href="#report">Skip to the report</a>
<main id="report" tabindex="-1">
${body}
</main>
</html>
`;
