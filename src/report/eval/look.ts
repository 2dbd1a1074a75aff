// How series of a figure are told apart: colour, marker and dash together, so that no one needs the colours.
//
// The six colours of either scheme keep a contrast of 3:1 with the background, and a distance of 0.12 in OKLab from each
// other for normal sight, protanopia, deuteranopia and tritanopia (Machado et al. 2009, severity 1):
// test/report/eval_look.test.ts.

export const LIGHT = ['#3f56e7', '#9c1f05', '#00a0a2', '#67008f', '#9a7a00', '#41555f'] as const;
export const DARK = ['#5282ff', '#ff4d3b', '#1ec6c9', '#cd42b9', '#dac959', '#b6f0d3'] as const;

/** Drawn around the origin, about ten units wide: circle, square, triangle, diamond, triangle upside down, plus. */
const MARKERS = [
  'M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0z',
  'M-3.7 -3.7h7.4v7.4h-7.4z',
  'M0 -5L4.8 3.6H-4.8z',
  'M0 -5.3L5.3 0L0 5.3L-5.3 0z',
  'M0 5L4.8 -3.6H-4.8z',
  'M-1.6 -4.8h3.2v3.2h3.2v3.2h-3.2v3.2h-3.2v-3.2h-3.2v-3.2h3.2z',
] as const;

const DASHES = ['', '7 4', '2 3', '10 3 2 3', '5 2', '13 4'] as const;

/** Of a line's style (base/eval_figures.ts): 36 pairs of colour and marker, then the first again. */
export function lookOf(style: number | null): { className: string; marker: string; dash: string } {
  if (style === null) return { className: 's0', marker: MARKERS[0], dash: '' };
  const color = style % 6;
  const marker = MARKERS[(style + Math.floor(style / 6)) % 6]!;
  return { className: `s${color + 1}`, marker, dash: DASHES[color]! };
}

const classes = (colors: readonly string[]) => colors.map((c, i) => `.s${i + 1}{color:${c}}`).join('');

/** Rules for the drawings of plot.ts, in a page and in a file of their own. The variables are style.ts's. */
export const FIGURE_STYLE = `
.s0 { color: var(--fg); } ${classes(LIGHT)} @media screen and (prefers-color-scheme: dark) { ${classes(DARK)} }
.curve { stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; fill: none; } .mean .curve { stroke-width: 3; }
.task .curve { stroke-width: 1.2; stroke-opacity: 0.5; } .task .pt { fill-opacity: 0.5; stroke: none; }
.task.own .curve { stroke-opacity: 0.85; } .task.own .pt { fill-opacity: 1; }
svg path.band { fill: currentColor; fill-opacity: 0.13; } .whisker { stroke: currentColor; stroke-opacity: 0.6; fill: none; }
svg path.pt { fill: currentColor; stroke: var(--card); stroke-width: 1; }
.tick { stroke: var(--muted); stroke-opacity: 0.6; fill: none; }
svg text.halo { paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
svg text.end { fill: currentColor; font-weight: 600; }
`.replaceAll('\n', '');
