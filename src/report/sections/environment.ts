// The machine and the programs.

import { keyValueTable } from '../table.js';
import type { Section } from './section.js';

export const environment: Section = ({ start, parts }) => ({
  id: 'environment',
  title: 'Environment',
  html: keyValueTable([
    ['gpt', start.version],
    ['backend', `${start.backend}: ${start.backend_reason}`],
    ['precision', start.precision],
    ['device', start.device],
    ['threads', String(start.threads)],
    ...Object.entries(start.environment),
    ['folder', start.dir],
    ['started', parts.map((p) => p.time).join(', ')],
  ]),
});
