import { pageTests } from './run.js';

pageTests('docs/tutorial.md', 15);
