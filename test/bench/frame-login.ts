// One login over the socket of the PAM module, from within a sandbox, without a PAM client around it.
import { connect } from 'node:net';
import { FrameStream } from '../../agent/protocol/frame-stream.ts';
import { encodeFrame, type BeginFrame, type VerdictCode } from '../../agent/protocol/frames.ts';

/**
 * @param secret answers each question
 * @param note told what came in the place of a verdict
 * @returns what the login came to; null: nothing was answered
 */
export function frameLogin(
  { user, phase = 'authenticate' }: { readonly user: string; readonly phase?: BeginFrame['phase'] },
  secret: string,
  note: (failure: string) => void,
): Promise<VerdictCode | null> {
  const begin: BeginFrame = {
    ...{ type: 'begin', minVersion: 1, maxVersion: 3, phase, flags: 0, service: 'sudo' },
    ...{ user, tty: null, rhost: null, ruser: null },
  };
  return new Promise((resolve) => {
    let code: VerdictCode | null = null;
    let last = 'nothing';
    const socket = connect('/run/scauth/pam.sock');
    const frames = new FrameStream((frame, version) => {
      last = frame.type;
      if (frame.type === 'verdict') code = frame.code;
      if (frame.type === 'ask')
        socket.write(
          encodeFrame(
            { type: 'answer', status: 'answered', secret: Buffer.from(secret) },
            undefined,
            version,
          ),
        );
    });
    socket.on('connect', () => socket.write(encodeFrame(begin)));
    socket.on('data', (bytes) => {
      frames.push(bytes);
    });
    socket.on('error', ({ message }) => {
      note(message);
    });
    socket.on('close', () => {
      frames.release();
      if (code === null) note(`closed after ${last}`);
      resolve(code);
    });
  });
}
