// Line charts and scatter plots as inline SVG: no script, no network, colours from CSS variables, so that one drawing serves light, dark
// and paper. Text is in the units of the viewBox: a chart looks right when shown at about its own width.
//
//   y label
//   |  legend is HTML above, see legend()
//   |______ x label

/** Points of one quantity. Points that are not finite, or not positive on a log axis, leave a gap. */
export interface Series {
  readonly name: string;
  readonly color: string; // CSS, e.g. var(--c1)
  readonly points: readonly (readonly [x: number, y: number])[];
  /** faint: thin and pale, behind the others; dots: with a dot and tooltip per point; marks: rings alone, no line. */
  readonly style?: 'line' | 'faint' | 'dots' | 'marks';
}

export interface ChartOptions {
  readonly label: string; // for screen readers
  readonly x: string; //     axis label; x values are whole numbers
  readonly width: number; // viewBox units
  readonly height: number;
  readonly xLog?: boolean;
  readonly yLog?: boolean;
  readonly yFromZero?: boolean;
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
  /** Dashed horizontal lines with their names. */
  readonly references?: readonly { readonly name: string; readonly y: number }[];
  /** Dotted vertical lines, e.g. where a run was resumed. */
  readonly marks?: readonly { readonly name: string; readonly x: number }[];
}

/** Replaces the characters that mean something in HTML, in text and in quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** About `n` round numbers (1, 2 or 5 times a power of ten apart) within [low, high]. */
export function ticks(low: number, high: number, n: number): number[] {
  const raw = high / n - low / n; // the difference itself may be beyond all numbers
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  // nothing between the two, or so little that counting in such steps does not reach the next number
  if (!(raw > 0 && Number.isFinite(step) && Math.abs(first) < 1e14)) return [low];
  const out: number[] = [];
  for (let i = first; i * step <= high + step * 1e-9; i++) out.push(Number((i * step).toPrecision(15)));
  return out;
}

/** Powers of ten within [low, high]; with fewer than three of them 1, 2 and 5 times powers of ten. */
export function logTicks(low: number, high: number): number[] {
  const [from, to] = [Math.max(-323, Math.floor(Math.log10(low))), Math.min(308, Math.ceil(Math.log10(high)))];
  const all = (multiples: number[]) => {
    const out: number[] = [];
    for (let e = from; e <= to; e++) {
      for (const m of multiples) {
        const value = Number(`${m}e${e}`);
        if (value >= low * 0.999 && value <= high * 1.001) out.push(value);
      }
    }
    return out;
  };
  const tens = all([1]);
  return tens.length >= 3 ? tens : all([1, 2, 5]);
}

const MAX_POINTS = 500;

/** At most about MAX_POINTS points that keep the extremes: of each stretch its lowest and highest point. */
export function thin(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  if (points.length <= MAX_POINTS) return [...points];
  const size = Math.ceil(points.length / (MAX_POINTS / 2));
  const out: (readonly [number, number])[] = [];
  for (let i = 0; i < points.length; i += size) {
    const part = points.slice(i, i + size);
    let low = part[0]!;
    let high = part[0]!;
    for (const p of part) {
      if (p[1] < low[1] || Number.isNaN(p[1])) low = p;
      if (p[1] > high[1]) high = p;
    }
    out.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return out;
}

/** The chart as an <svg> element; a sentence when there is nothing to draw. */
export function lineChart(series: readonly Series[], options: ChartOptions): string {
  const { width, height, xLog = false, yLog = false, references = [], marks = [] } = options;
  const shown = series.map((s) => ({
    ...s,
    points: s.points.map(([x, y]) =>
      (xLog && x <= 0) || (yLog && y <= 0) ? ([x, Number.NaN] as const) : ([x, y] as const),
    ),
  }));
  const points = shown.flatMap((s) => s.points.filter(([, y]) => Number.isFinite(y)));
  if (points.length === 0) return '<p class="empty">nothing recorded yet</p>';

  const left = 46;
  const right = width - 10;
  const top = 10;
  const bottom = height - 34;
  const xs = extent(points.map(([x]) => x));
  const ys = extent([...points.map(([, y]) => y), ...references.map(({ y }) => y), ...(options.yFromZero ? [0] : [])]);
  const x = axis(xs, left, right, xLog, 0);
  const y = axis(ys, bottom, top, yLog, 0.05, options.yFromZero);
  const xCount = Math.min(width / 90, x.high - x.low); // there is no step 1.5
  const xTicks = (xLog ? logTicks(x.low, x.high) : ticks(x.low, x.high, xCount)).filter(
    (t) => t >= x.low && t <= x.high,
  );
  const yTicks = yLog ? logTicks(y.low, y.high) : ticks(y.low, y.high, height / 55);
  const n = (value: number) => String(Math.round(value * 10) / 10);

  const parts: string[] = [];
  for (const t of yTicks) {
    parts.push(`<path class="grid" d="M${left} ${n(y.at(t))}H${right}"/>`);
    parts.push(
      `<text x="${left - 7}" y="${n(y.at(t) + 4)}" text-anchor="end">${escapeHtml(options.formatY(t))}</text>`,
    );
  }
  for (const t of xTicks) {
    const anchor = x.at(t) > right - 14 ? 'end' : 'middle';
    parts.push(
      `<text x="${n(x.at(t))}" y="${bottom + 16}" text-anchor="${anchor}">${escapeHtml(options.formatX(t))}</text>`,
    );
  }
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  parts.push(`<text x="${(left + right) / 2}" y="${height - 3}" text-anchor="middle">${escapeHtml(options.x)}</text>`);
  for (const mark of marks) {
    if (mark.x < x.low || mark.x > x.high) continue;
    parts.push(
      `<path class="mark" d="M${n(x.at(mark.x))} ${top}V${bottom}"><title>${escapeHtml(mark.name)}</title></path>`,
    );
  }
  let lastLabel = Number.POSITIVE_INFINITY; // labels from the bottom up, never on top of each other
  for (const reference of [...references].sort((a, b) => a.y - b.y)) {
    const at = y.at(reference.y);
    const label = Math.min(at - 4, lastLabel - 13);
    lastLabel = label;
    parts.push(`<path class="ref" d="M${left} ${n(at)}H${right}"/>`);
    parts.push(
      `<text x="${right - 2}" y="${n(Math.max(top + 2, label))}" text-anchor="end">${escapeHtml(reference.name)}</text>`,
    );
  }
  for (const s of shown) {
    const { style = 'line' } = s;
    const line = style === 'marks' ? [] : thin(s.points);
    const path = pathOf(
      line.map(([px, py]) => [x.at(px), y.at(py)]),
      n,
    );
    if (path) parts.push(`<path class="${style}" style="stroke:${s.color}" d="${path}"/>`);
    if (style !== 'dots' && style !== 'marks') continue;
    const [r, paint] = style === 'dots' ? [3, 'fill'] : [5, 'stroke'];
    for (const [px, py] of s.points) {
      if (!Number.isFinite(py)) continue;
      const title = `${s.name}: ${options.formatY(py)} at ${options.formatX(px)}`;
      parts.push(
        `<circle cx="${n(x.at(px))}" cy="${n(y.at(py))}" r="${r}" style="${paint}:${s.color}"><title>${escapeHtml(title)}</title></circle>`,
      );
    }
  }
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(options.label)}">${parts.join('')}</svg>`;
}

const MAX_DOTS = 2000;

/** Pairs as dots, both axes over the same range, with the dashed line on which they are equal. */
export function scatterChart(
  points: readonly (readonly [x: number, y: number])[],
  { label, x: xLabel, y: yLabel, size }: { label: string; x: string; y: string; size: number },
): string {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length === 0) return '<p class="empty">nothing recorded yet</p>';
  const every = Math.ceil(finite.length / MAX_DOTS);
  const [left, right, top, bottom] = [46, size - 12, 10, size - 44];
  const range = extent(finite.flat());
  const x = axis(range, left, right, false, 0.05);
  const y = axis(range, bottom, top, false, 0.05);
  const n = (value: number) => String(Math.round(value * 10) / 10);
  const parts: string[] = [];
  for (const t of ticks(x.low, x.high, size / 80)) {
    const text = String(Number(t.toPrecision(3)));
    parts.push(`<path class="grid" d="M${left} ${n(y.at(t))}H${right}M${n(x.at(t))} ${top}V${bottom}"/>`);
    parts.push(`<text x="${left - 7}" y="${n(y.at(t) + 4)}" text-anchor="end">${text}</text>`);
    parts.push(`<text x="${n(x.at(t))}" y="${bottom + 16}" text-anchor="middle">${text}</text>`);
  }
  parts.push(`<path class="ref" d="M${left} ${bottom}L${right} ${top}"/>`);
  const dots = finite.filter((_, i) => i % every === 0);
  const path = dots.map(([px, py]) => `M${n(x.at(px))} ${n(y.at(py))}h0`).join('');
  parts.push(`<path class="cloud" d="${path}"/>`);
  const middle = (left + right) / 2;
  parts.push(`<text x="${middle}" y="${size - 8}" text-anchor="middle">${escapeHtml(xLabel)}</text>`);
  parts.push(
    `<text transform="translate(12 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
  );
  return `<svg viewBox="0 0 ${size} ${size}" role="img" aria-label="${escapeHtml(label)}">${parts.join('')}</svg>`;
}

/** Names with a swatch of their colour, as HTML. */
export function legend(series: readonly Series[]): string {
  const items = series.map(
    (s) => `<span><i class="${s.style ?? 'line'}" style="color:${s.color}"></i>${escapeHtml(s.name)}</span>`,
  );
  return `<p class="legend">${items.join('')}</p>`;
}

function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

/** Maps [low, high], widened by `margin`, to pixels from..to. A single value gets room on both sides. */
function axis([low, high]: [number, number], from: number, to: number, log: boolean, margin: number, fromZero = false) {
  let a = log ? Math.log10(low) : low;
  let b = log ? Math.log10(high) : high;
  const pad = b > a ? (b - a) * margin : margin > 0 ? Math.abs(a) * 0.1 || 1 : 0;
  a -= fromZero ? 0 : pad;
  b += pad;
  const span = b > a ? b - a : 1;
  const scale = (v: number) => from + (((log ? Math.log10(v) : v) - a) / span) * (to - from);
  return { at: scale, low: log ? 10 ** a : a, high: log ? 10 ** b : b };
}

function pathOf(points: readonly (readonly [number, number])[], n: (value: number) => string): string {
  let path = '';
  let pen = false;
  for (const [x, y] of points) {
    const ok = Number.isFinite(x) && Number.isFinite(y);
    if (ok) path += `${pen ? 'L' : 'M'}${n(x)} ${n(y)}`;
    pen = ok;
  }
  return path;
}
