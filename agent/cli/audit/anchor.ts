// sc_auth audit anchor: the number and seal of the last record, to be kept outside this machine; with --sign signed by
// the administrator's own card. Unsigned it is read from the files, signed it is made by scauthd.

import { anchorText } from '../../model/sealed-log/anchor.ts';
import { signedAnchorsIn, signerOf } from '../../model/sealed-log/signed-anchor.ts';
import { parseSealedLine } from '../../model/sealed-log/sealed-line.ts';
import { file as say, usage } from '../../words/audit-log.ts';
import { sudoUser, type CommandContext } from '../context.ts';
import { converse } from '../agent/client.ts';
import { CommandError } from '../exit-codes.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { notUnderstood } from '../agent/wire.ts';
import { eachLine, logFiles, readBlocks } from './log-files.ts';
import { logPath } from './place.ts';

/** @param pinFd null: the terminal, or standard input */
async function sign(user: string, pinFd: number | null, context: CommandContext): Promise<void> {
  const reply = await converse(context, 'SignAnchor', { user }, { pinFd, passwordFd: pinFd });
  const { anchor: text } = reply;
  const [signed] = typeof text === 'string' ? signedAnchorsIn(text) : [];
  const signer = signed === undefined ? null : signerOf(signed);
  if (signed === undefined || signer === null) throw notUnderstood('no signed anchor');
  const { key } = signer;
  const publicKey = key.keyObject.export({ format: 'pem', type: 'spki' }).toString();
  context.output.long(
    { ...signed.anchor, user, hash: key.pkhh, sha256: key.sha256, publicKey, text },
    String(text),
  );
}

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, {
    log: { type: 'string' },
    sign: { type: 'boolean' },
    user: { type: 'string' },
    'pin-fd': { type: 'string' },
  });
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  if (options.sign === true) {
    if (options.log !== undefined) throw new CommandError('usage', usage.signOwnLog);
    await sign(options.user ?? sudoUser(context) ?? context.userName(), pinFd, context);
    return;
  }
  if (options.user !== undefined || pinFd !== null) throw new CommandError('usage', usage.onlyWithSign);
  const path = logPath(options.log, context);
  for (const file of logFiles(path).reverse()) {
    let last: Buffer | null = null;
    for await (const block of readBlocks(file.path)) {
      eachLine(block, (line, whole) => {
        if (whole) last = line;
      });
      last = last === null ? null : Buffer.from(last);
    }
    const line = last === null ? null : parseSealedLine(last);
    if (line === null) continue;
    const { sequence, seal, timeMs } = line;
    const anchor = { sequence, seal, timeMs };
    context.output.result(anchor, [anchorText(anchor)]);
    return;
  }
  throw new CommandError('no-record', say.noRecord(path));
}
