// A run that is looked at again and again: its log, its lock, and the view that the server shows of them.

import { basename, join, resolve } from 'node:path';
import { DataError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import { lockHolder } from '../../base/lock.js';
import { escapeHtml } from '../chart.js';
import { reportBody } from '../html.js';
import type { RunRecord } from '../record.js';
import { barHtml, doneText } from './bar.js';
import { FollowedLog } from './followed_log.js';
import type { View } from './page.js';
import type { Watched } from './server.js';
import { type State, stateOf } from './state.js';

export class WatchedRun implements Watched {
  readonly #dir: string;
  readonly #name: string;
  readonly #log: FollowedLog;
  #state: State = { phase: 'waiting', text: 'waiting' };
  #bar = '';
  #main: string | undefined; // undefined: not drawn since the log has changed
  /** Why the log cannot be read; what was read before is still shown. */
  problem: DataError | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    this.#name = basename(resolve(dir));
    this.#log = new FollowedLog(join(dir, 'run.jsonl'));
  }

  get state(): State {
    return this.#state;
  }

  /** Reads what is new; resolves to what has changed of the view. */
  async look(): Promise<'everything' | 'bar' | undefined> {
    let isNew = false;
    try {
      isNew = await this.#log.look();
      this.problem = undefined;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.problem = error;
    }
    const { record } = this.#log;
    this.#state = this.#stateNow(record);
    const before = this.#bar;
    this.#bar = barHtml(record, this.#state);
    if (isNew || (record === undefined && this.#bar !== before)) {
      this.#main = undefined;
      return 'everything';
    }
    return this.#bar === before ? undefined : 'bar';
  }

  /** The report. What is drawn is kept until the log grows. */
  main(): string {
    const { record } = this.#log;
    this.#main ??= record ? reportBody(record) : this.#nothingYet();
    return this.#main;
  }

  view(): View {
    const { record } = this.#log;
    const { phase } = this.#state;
    const progress = record && (phase === 'training' || phase === 'silent') ? doneText(record) : phase;
    const age = this.#age();
    return {
      title: `${progress} · ${record?.start.name ?? this.#name} · gpt watch`,
      bar: this.#bar,
      age: age === undefined ? null : Math.round(age / 1000),
    };
  }

  #age(): number | undefined {
    const { changed } = this.#log;
    return changed === undefined ? undefined : Math.max(0, Date.now() - changed); // clocks of network disks differ
  }

  #stateNow(record: RunRecord | undefined): State {
    if (this.problem) return { phase: 'silent', text: `${this.problem.message}: ${this.problem.fix}` };
    if (this.#log.gone) return { phase: 'silent', text: `${this.#log.path} has been removed` };
    if (record) return stateOf(record, lockHolder(this.#dir), this.#age() ?? 0);
    return { phase: 'waiting', text: `waiting: ${this.#whatIsMissing()}` };
  }

  #whatIsMissing(): string {
    const { path, changed, lines } = this.#log;
    if (!exists(this.#dir)) return `there is no folder ${this.#dir} yet`;
    if (changed === undefined) return `there is no ${path} yet`;
    return lines === 0 ? `${path} is empty so far` : `${path} holds no start event, it is no log of a run`;
  }

  #nothingYet(): string {
    return `<header>
<h1>${escapeHtml(this.#name)}</h1>
<p class="muted">${escapeHtml(this.#state.text)}</p>
</header>
<p class="note">A run makes its folder when its text has become tokens and its model is there, and its log right after that.
This page goes on by itself.</p>`;
  }
}
