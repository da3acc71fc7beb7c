// As the long test beside it, at each system call. SOAK_STRIKES: at so many of them; all if it is not set.
import { strikeTests } from './sweep.ts';

strikeTests('piv', () => Number(process.env['SOAK_STRIKES'] ?? Infinity));
