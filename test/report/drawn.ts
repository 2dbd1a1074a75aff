// Reads a plot of an evaluation's figure back from its SVG.

export interface DrawnAxis {
  readonly scale: string;
  readonly from: number;
  readonly to: number;
  readonly start: number; // units of the viewBox
  readonly end: number;
}

export interface DrawnPoint {
  readonly at: readonly [x: number, y: number]; // units of the viewBox
  readonly x: number;
  readonly y: number;
  readonly stderr: number | null;
  readonly title: string;
}

export interface DrawnLine {
  readonly name: string;
  readonly classes: string;
  readonly points: readonly DrawnPoint[];
  readonly curve: readonly (readonly [number, number])[];
  readonly bands: readonly (readonly (readonly [number, number])[])[];
}

export interface DrawnPlot {
  readonly id: string;
  readonly width: number;
  readonly x: DrawnAxis;
  readonly y: DrawnAxis;
  readonly lines: readonly DrawnLine[];
  readonly texts: readonly { readonly x: number; readonly y: number; readonly text: string }[];
  readonly chance: number | null; // units of the viewBox
}

export const plainText = (html: string): string =>
  html.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));

const attribute = (tag: string, name: string): string =>
  plainText(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '');

function axis(text: string): DrawnAxis {
  const [scale, ...numbers] = text.split(' ');
  const [from, to, start, end] = numbers.map(Number);
  return { scale: scale!, from: from!, to: to!, start: start!, end: end! };
}

const corners = (d: string): [number, number][] =>
  [...d.matchAll(/[ML]([-\d.]+) ([-\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);

/** All plots with axes, in order. */
export function plotsIn(html: string): DrawnPlot[] {
  return [...html.matchAll(/<svg [^>]*aria-labelledby=[^>]*data-x=[\s\S]*?<\/svg>/g)].map(([svg]) => {
    const head = /<svg [^>]*>/.exec(svg)![0];
    const lines = [...svg.matchAll(/<g class="([^"]*)" data-line="[\s\S]*?<\/g>/g)].map(
      ([g, classes]): DrawnLine => ({
        name: attribute(g, 'data-line'),
        classes: classes!,
        curve: corners(/class="curve"[^>]* d="([^"]*)"/.exec(g)?.[1] ?? ''),
        bands: [...g.matchAll(/class="(?:band|whisker)" d="([^"]*)"/g)].map((m) => corners(m[1]!)),
        points: [...g.matchAll(/<path class="pt"[^>]*>(?:<title>([^<]*)<\/title>)?/g)].map(
          ([pt, title]): DrawnPoint => {
            const [x, y] = /translate\(([-\d.]+) ([-\d.]+)\)/.exec(pt)!.slice(1).map(Number);
            const stderr = attribute(pt, 'data-stderr');
            return {
              at: [x!, y!],
              x: Number(attribute(pt, 'data-x')),
              y: Number(attribute(pt, 'data-y')),
              stderr: stderr === '' ? null : Number(stderr),
              title: plainText(title ?? ''),
            };
          },
        ),
      }),
    );
    const chance = /class="ref" d="M[\d.]+ ([\d.]+)H/.exec(svg)?.[1];
    return {
      id: /<title id="([^"]*)-t"/.exec(svg)![1]!,
      width: Number(attribute(head, 'viewBox').split(' ')[2]),
      x: axis(attribute(head, 'data-x')),
      y: axis(attribute(head, 'data-y')),
      lines,
      texts: [...svg.matchAll(/<text x="([-\d.]+)" y="([-\d.]+)"[^>]*>([^<]*)</g)].map((m) => ({
        x: Number(m[1]),
        y: Number(m[2]),
        text: plainText(m[3]!),
      })),
      chance: chance === undefined ? null : Number(chance),
    };
  });
}

/** Where a value stands on an axis, by the axis's own words. */
export function placeOn({ scale, from, to, start, end }: DrawnAxis, value: number): number {
  const units: Record<string, (v: number) => number> = {
    shots: (k) => Math.log(k + 1) / Math.LN2,
    asked: (v) => v,
    parameters: (n) => Math.log(n) / Math.LN10,
    linear: (v) => v,
    log: (v) => Math.log(v) / Math.LN10,
  };
  return start + ((units[scale]!(value) - from) / (to - from)) * (end - start);
}
