import { pageTests } from './run.js';

pageTests('README.md', 40);
