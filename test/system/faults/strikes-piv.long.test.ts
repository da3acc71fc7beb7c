// SIGKILL and SIGSTOP of each program of a login by PIV: scauthd, pcscd and the PAM client. `npm run soak` strikes each call.
import { strikeTests } from './sweep.ts';

strikeTests('piv', (victim, blow) => victim.samples[blow]);
