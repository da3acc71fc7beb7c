// What comes over sockets and pipes: frames, varlink, and the answers of a driver's process.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyBytes } from '../../../agent/base/bytes.ts';
import { encodeFrame, parseBody, parseHeader, type Frame } from '../../../agent/protocol/frames.ts';
import { FrameStream } from '../../../agent/protocol/frame-stream.ts';
import { METHODS, TYPES } from '../../../agent/protocol/io-scauth.generated.ts';
import {
  readFailure,
  readPairing,
  readParameters,
  readReply,
  type MethodName,
} from '../../../agent/protocol/io-scauth.ts';
import {
  encodeMessage,
  InvalidParameter,
  MessageSplitter,
  parseCall,
  parseReply,
} from '../../../agent/protocol/varlink.ts';
import * as answers from '../../../agent/token/plugin/answers.ts';
import { encodeJson, JsonFrameReader, type JsonObject } from '../../../agent/token/plugin/frames.ts';
import { vectorFiles } from '../../unit/pam/build.ts';
import type { Target } from '../engine.ts';
import { isAgentError, must, piecesOf, refusing, same, vector } from './refusing.ts';

const frameSeeds = vectorFiles().flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Buffer.from(line.split('\t')[3] ?? '', 'hex')),
);
const moreFrames: readonly Frame[] = [
  { type: 'result', json: '{"ok":true}' },
  { type: 'show', text: 'Your PUK:', secret: Buffer.from('12345678') },
  { type: 'recall' },
];

/** What was read, written again, is read as the same: nothing of it was lost or made up. */
function checkFrame(frame: Frame, version: number): void {
  const bytes = encodeFrame(frame, undefined, version);
  const { typeNumber } = parseHeader(bytes.subarray(0, 8));
  same(parseBody(typeNumber, bytes.subarray(8), version), frame, 'a frame is what it is written as');
}

function frames(input: Buffer): void {
  const stream = new FrameStream(checkFrame);
  try {
    refusing(() => {
      for (const piece of piecesOf(input)) stream.push(piece);
    });
    must(stream.pending <= input.length, 'more is waiting than has come');
  } finally {
    stream.release();
  }
}

const NAMES = Object.keys(METHODS) as MethodName[];
const isVarlinkRefusal = (error: unknown): boolean =>
  isAgentError(error) || error instanceof InvalidParameter;

function varlink(input: Buffer): void {
  const splitter = new MessageSplitter();
  refusing(() => {
    for (const piece of piecesOf(input)) {
      splitter.push(piece);
      for (let message = splitter.next(); message !== null; message = splitter.next()) readMessage(message);
    }
    must(splitter.takeRest().length <= input.length, 'more is left than has come');
  }, isVarlinkRefusal);
}

function readMessage(message: Buffer): void {
  const call = refusing(() => parseCall(message));
  const method = NAMES.find((name) => call?.method === `io.scauth.${name}`);
  if (call !== undefined && method !== undefined)
    refusing(() => readParameters(method, call.parameters), isVarlinkRefusal);
  const reply = refusing(() => parseReply(message));
  if (reply === undefined) return;
  for (const name of NAMES) refusing(() => readReply(name, reply.parameters));
  refusing(() => readPairing(reply.parameters));
  refusing(() => readFailure(reply.parameters));
}

const CERTIFICATE = vector('keys/p256.pem');
const SPKI = new X509Certificate(CERTIFICATE).publicKey
  .export({ format: 'der', type: 'spki' })
  .toString('base64');

const driverSeeds: readonly JsonObject[] = [
  { id: 1, result: { version: 1 } },
  { id: 2, result: { scheme: 'ecdsa-sha256', signature: 'MEUCIQ==' } },
  { id: 3, result: { triesLeft: 3, triesTotal: null, low: true } },
  { id: 4, error: { code: 'wrong-pin', message: 'no', triesLeft: 2 } },
  { id: 5, transmit: '00A4040000', pin: { offset: 5, fit: true }, newPin: { offset: 13 } },
  { id: 6, result: { token: null } },
  { id: 7, result: { tokens: [token('b', [])] } },
  { id: 8, result: { token: token('a', ['notes of the card']) } },
];

/** A value of this type, as io-scauth.generated.ts writes it. */
function sample(type: string): unknown {
  if (type.startsWith('?')) return sample(type.slice(1));
  if (type.startsWith('[]')) return [sample(type.slice(2))];
  if (Object.hasOwn(TYPES, type)) return samples(TYPES[type as keyof typeof TYPES]);
  return { string: 'a', int: 1, float: 0.5, bool: true }[type];
}

function samples(table: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(table).map(([name, type]) => [name, sample(type)]));
}

function token(serial: string, notes: readonly string[]): JsonObject {
  return {
    ...{ serial, place: 'slot-1', label: 'Card', notes, cardProof: null },
    pins: [{ id: 'pin', label: 'PIN', minLength: 4, maxLength: 8, triesLeft: 3, change: true }],
    identities: [
      { key: '9A', use: 'authentication', label: 'Ada', pin: 'pin', publicKey: SPKI, touch: 'never' },
      {
        key: '9C',
        use: 'signature',
        label: 'Ada',
        pin: 'pin',
        certificate: CERTIFICATE.toString('base64'),
        touch: null,
      },
    ],
    factorySecrets: { pin: true, puk: null, managementKey: false },
  };
}

function driver(input: Buffer): void {
  const reader = new JsonFrameReader();
  refusing(() => {
    for (const piece of piecesOf(input))
      for (const message of reader.push(copyBytes(piece))) readAnswer(message);
  });
}

function readAnswer(message: JsonObject): void {
  refusing(() => answers.failureOf(message));
  refusing(() => answers.parseAnswer(answers.transmitMessage, message, 'transmit'));
  const result = refusing(() => answers.parseAnswer(answers.resultMessage, message, 'result'))?.result;
  if (result === undefined) return;
  refusing(() => answers.parseAnswer(answers.helloAnswer, result, 'hello'));
  refusing(() => answers.proofOf(result));
  refusing(() => answers.pinStateOf(result));
  refusing(() => {
    answers.emptyOf(result);
  });
  const looked = refusing(() => answers.parseAnswer(answers.lookAnswer, result, 'look'))?.tokens ?? [];
  const probed = refusing(() => answers.parseAnswer(answers.probeAnswer, result, 'probe'))?.token ?? null;
  for (const one of [...looked, ...(probed === null ? [] : [probed])]) {
    const described = refusing(() => answers.describeToken('org.example', one));
    must(described === undefined || described.label.length <= 100, 'a label above its cap');
  }
}

export const wire: readonly Target[] = [
  {
    name: 'frames',
    files: [
      ['agent/protocol/frames.ts', 'writeBody', 'encodeFrame', 'u32', 'raw', 'field', 'text', 'finish'],
      ['agent/protocol/frame-stream.ts'],
      ['agent/base/bytes.ts', 'toHex', 'fromHex', 'copyBytes'],
    ],
    seeds: [
      ...frameSeeds,
      ...moreFrames.map((frame) => encodeFrame(frame, undefined, frame.type === 'recall' ? 3 : 1)),
    ],
    run: frames,
  },
  {
    name: 'varlink',
    files: [['agent/protocol/varlink.ts', 'encodeMessage'], ['agent/protocol/io-scauth.ts']],
    seeds: [
      ...NAMES.map((name) =>
        encodeMessage({ method: `io.scauth.${name}`, parameters: samples(METHODS[name].parameters) }),
      ),
      ...NAMES.map((name) => encodeMessage({ parameters: samples(METHODS[name].reply), continues: true })),
      encodeMessage({ error: 'io.scauth.Failed', parameters: { code: 'x', message: 'y' } }),
      encodeMessage({ method: 'io.scauth.List', parameters: { after: -1, count: -1, limit: -1 } }),
      Buffer.alloc(70_000, 'a'),
      encodeMessage({ method: 'a', oneway: true, more: true, upgrade: true }),
    ],
    run: varlink,
  },
  {
    name: 'driver',
    files: [['agent/token/plugin/answers.ts'], ['agent/token/plugin/frames.ts', 'encodeJson', 'frameHeader']],
    seeds: driverSeeds.map(encodeJson),
    run: driver,
  },
];
