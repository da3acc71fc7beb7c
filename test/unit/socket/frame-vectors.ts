// Reads test/vectors/frames/*.tsv (the format stands in the first lines of each) and says what a frame means in their
// words. The C tests read the same files.

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AgentError } from '../../../agent/base/errors.ts';
import { FrameStream } from '../../../agent/protocol/frame-stream.ts';
import { FRAME_VERSION, HIGHEST_VERSION, type Frame } from '../../../agent/protocol/frames.ts';

export interface FrameVector {
  readonly name: string;
  readonly valid: boolean;
  readonly from: 'relay' | 'agent';
  readonly bytes: Buffer;
  /** null for an invalid one. */
  readonly fields: Readonly<Record<string, unknown>> | null;
}

const folder = join(import.meta.dirname, '../../vectors/frames');

export function readFrameVectors(): FrameVector[] {
  return globSync('*.tsv', { cwd: folder })
    .sort()
    .flatMap((file) =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => {
          const [name = '', expected = '', from = '', hex = '', fields = ''] = line.split('\t');
          if (!['valid', 'invalid'].includes(expected) || !['relay', 'agent'].includes(from)) {
            throw new Error(`${file}: ${name} is no vector`);
          }
          return {
            name: `${basename(file, '.tsv')}: ${name}`,
            valid: expected === 'valid',
            from: from === 'relay' ? ('relay' as const) : ('agent' as const),
            bytes: Buffer.from(hex, 'hex'),
            fields: fields === '-' ? null : (JSON.parse(fields) as Record<string, unknown>),
          };
        }),
    );
}

const PHASES = ['authenticate', 'account', 'setcred', 'open-session', 'close-session', 'chauthtok'];
const VERDICTS = [
  'granted',
  'denied',
  'unavailable',
  'cancelled',
  'unknown-user',
  'card-required',
  'permitted',
];

/** A frame in the words of the vectors: the numbers of the wire, bytes as hex. */
export function wireFields(frame: Frame): Record<string, unknown> {
  switch (frame.type) {
    case 'begin':
      return { ...frame, phase: PHASES.indexOf(frame.phase) + 1 };
    case 'ask':
      return { ...frame, echo: frame.echo ? 1 : 0 };
    case 'tell':
      return { ...frame, kind: frame.kind === 'error' ? 1 : 0 };
    case 'show':
      return { ...frame, secret: frame.secret.toString('hex') };
    case 'answer':
      return { ...frame, status: frame.status === 'failed' ? 1 : 0, secret: frame.secret.toString('hex') };
    case 'verdict':
      return {
        ...frame,
        code: VERDICTS.indexOf(frame.code) + 1,
        authtok: frame.authtok?.toString('hex') ?? null,
      };
    case 'wait':
    case 'result':
    case 'hold':
    case 'skip':
    case 'take':
    case 'recall':
    case 'measure':
    case 'measured':
    case 'token':
      return { ...frame };
    case 'happened':
      return { ...frame, happened: ['nothing', 'verdict', 'no-verdict'].indexOf(frame.happened) };
  }
}

/** A copy that lives longer than the stream's buffer. */
function keep(frame: Frame): Frame {
  if (frame.type === 'answer') return { ...frame, secret: Buffer.from(frame.secret) };
  if (frame.type === 'verdict') {
    return { ...frame, authtok: frame.authtok === null ? null : Buffer.from(frame.authtok) };
  }
  return frame;
}

/**
 * The one frame that `chunks` are, as a receiver of `from`'s frames judges them: exactly one, whole, in our version
 * and of a type that `from` sends.
 * @throws AgentError `malformed`
 */
export function receiveOne(chunks: readonly Buffer[], from: 'relay' | 'agent'): Frame {
  const frames: Frame[] = [];
  const stream = new FrameStream((frame, version) => {
    // begin is always written in the lowest version.
    const highest = frame.type === 'begin' ? FRAME_VERSION : HIGHEST_VERSION;
    if (version < FRAME_VERSION || version > highest)
      throw new AgentError('malformed', { detail: 'version' });
    frames.push(keep(frame));
  });
  try {
    for (const chunk of chunks) stream.push(chunk);
    if (stream.pending > 0) throw new AgentError('malformed', { detail: 'ends too early' });
  } finally {
    stream.release();
  }
  const [frame] = frames;
  if (frame === undefined || frames.length > 1)
    throw new AgentError('malformed', { detail: 'not one frame' });
  const sender = ['begin', 'answer', 'skip', 'happened', 'measured'].includes(frame.type) ? 'relay' : 'agent';
  if (sender !== from) throw new AgentError('malformed', { detail: 'from the other side' });
  return frame;
}
