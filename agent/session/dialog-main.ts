// One dialog for one insertion, in a process of its own: what it needs of memory goes with it. Started by main.ts.

import { nameProgram } from '../base/program-name.ts';
import { IO_SOCKET } from '../base/socket-paths.ts';
import { dialogForInsertion } from './pairing-dialog.ts';

nameProgram('scauth-session');
const { env } = process;
const log = (line: string): void => void process.stderr.write(`scauth-session: ${line}\n`);
try {
  await dialogForInsertion(Number(process.argv[2]), {
    env,
    uid: process.getuid?.() ?? 0,
    socket: env['SCAUTH_IO_SOCKET'] ?? IO_SOCKET,
    terminal: null,
    log,
  });
} catch (error) {
  log(error instanceof Error ? error.message : 'the dialog failed');
}
process.exit(0);
