// SIGKILL and SIGSTOP of each program of a login by a card in a PKCS#11 module: its driver, scauthd and pcscd. `npm run soak` strikes each call.
import { strikeTests } from './sweep.ts';

strikeTests('module', (victim, blow) => victim.samples[blow]);
