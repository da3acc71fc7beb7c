// Says what pcscd tells of cards, a line each, until standard input ends. Run in a sandbox, to compare with.
import { CardWatcher } from '../../agent/pcsc/watcher.ts';
import { Winscard } from '../../agent/pcsc/winscard.ts';

const watcher = new CardWatcher(new Winscard());
watcher.subscribe(({ kind }) => {
  process.stdout.write(`${kind}\n`);
});
watcher.start();
process.stdin.resume().on('end', () => process.exit(0));
