// `gpt watch RUN`: the report of a run in the browser, live while it trains.
//
//   run.jsonl -> WatchedRun, which looks twice a second -> server -> pages that listen
//
// It only looks: the run does not notice, and goes on when the watch ends. The bar follows every event; the report is
// drawn every two seconds, and of a long run so seldom that it takes a twentieth of one core: the run needs them.

import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DataError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { jsonText } from '../base/json.js';
import { readFolder } from '../checkpoint/run_folder.js';
import { serve } from '../report/watch/server.js';
import { WatchedRun } from '../report/watch/watched_run.js';
import type { Run, WatchOptions } from './options.js';
import { stopOnSignals } from './stop.js';

const LOOK_MS = 500;
const DRAW_MS = 2000;
const SHARE_OF_CORE = 1 / 20;
const BEAT_MS = 5000; // so that a page notices when the connection has died without a word

export const run: Run<WatchOptions> = async ({ dir, port, json, quiet }, context) => {
  const folder = dir === undefined ? newestRun('checkpoints') : requireRunFolder(dir);
  const watched = new WatchedRun(folder);
  const server = await serve(watched, port);
  await watched.look();
  if (watched.problem !== undefined) throw watched.problem;
  const say = (text: string) => void (quiet || context.err(`${text}\n`));
  const stop = stopOnSignals(() => say(''));
  context.out(json ? `${jsonText({ url: server.url, dir: folder })}\n` : `${server.url}\n`);
  say(`${folder}: live at this address, for you alone; Ctrl-C ends the watch, not the run`);
  let said = '';
  let isDrawn = true;
  let [drawAt, sent] = [0, 0];
  while (!stop.signal.aborted) {
    const change = await watched.look();
    if (change === 'everything') isDrawn = false;
    const now = performance.now();
    const draws = !isDrawn && now >= drawAt;
    if (draws || change !== undefined || now - sent >= BEAT_MS) {
      server.push(draws ? 'everything' : 'bar');
      sent = now;
    }
    if (draws) {
      isDrawn = true;
      drawAt = now + Math.max(DRAW_MS, (performance.now() - now) / SHARE_OF_CORE);
    }
    const { text } = watched.state;
    if (text !== said) say(text);
    said = text;
    await setTimeout(LOOK_MS, undefined, { signal: stop.signal }).catch(() => {}); // the signal ends it early
  }
  server.close();
  stop.release();
  return stop.exitCode();
};

/** One that has a log, or is to get it soon. Throws DataError for a path that will never be the folder of a run. */
function requireRunFolder(dir: string): string {
  if (!exists(dir)) {
    if (exists(path.dirname(dir))) return dir; // gpt pretrain makes it in a moment
    throw new DataError(`there is neither ${dir} nor the folder in which it would be`, 'give the folder of a run');
  }
  const names = readFolder(dir).filter((name) => name !== 'lock');
  if (names.length === 0 || names.includes('run.jsonl')) return dir;
  throw new DataError(`${dir} holds no run.jsonl: it is not the folder of a run`, 'give one, e.g. checkpoints/my-run');
}

/** The run whose log grew last, or that has just begun. Throws DataError when there is none. */
function newestRun(parent: string): string {
  const files = (exists(parent) ? readFolder(parent) : []).flatMap((name) =>
    ['run.jsonl', 'lock'].map((file) => path.join(parent, name, file)),
  );
  const times = files.map((file) => ({ file, time: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
  const newest = times.reduce((a, b) => (b.time > a.time ? b : a), { file: '', time: 0 });
  if (newest.time > 0) return path.dirname(newest.file);
  throw new DataError(`there is no run in ${parent}`, 'name its folder: gpt watch checkpoints/my-run');
}
