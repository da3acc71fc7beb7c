// The card's control socket: tests and the sandbox look into the card and make it misbehave. Calls are listed in calls.ts.
// It trusts whoever can open its path: the card is a test part.
import { X509Certificate } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { CallName, CardState, CommandPattern, ControlCalls } from './calls.ts';
import type { SoftwareCard } from './card.ts';
import { toPem } from './certificate.ts';
import { certificateTag } from './constants.ts';
import type { LogEntry } from './log.ts';
import { certificateObject } from './objects.ts';
import { pinBlock } from './pin.ts';
import { readKey } from './profile.ts';
import { findTlv, parseTlvs, tlv } from './tlv.ts';
import type { VpcdConnection } from './vpcd.ts';

type Handlers = {
  [K in CallName]: (
    args: ControlCalls[K]['args'],
  ) => ControlCalls[K]['result'] | Promise<ControlCalls[K]['result']>;
};

const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0').toUpperCase();

function patternMatches(pattern: CommandPattern, header: { ins: number; p1: number; p2: number }): boolean {
  const same = (wanted: string | undefined, byte: number): boolean =>
    wanted === undefined || Number.parseInt(wanted, 16) === byte;
  return same(pattern.ins, header.ins) && same(pattern.p1, header.p1) && same(pattern.p2, header.p2);
}

/** Tells waiting calls about commands. */
class CommandWaiters {
  #arrival: { readonly pattern: CommandPattern; readonly go: () => void }[] = [];
  #answer: { readonly pattern: CommandPattern; readonly go: (entry: LogEntry) => void }[] = [];

  constructor(card: SoftwareCard) {
    card.onCommand = (command) => {
      const [, ins = 0, p1 = 0, p2 = 0] = command;
      const hit = this.#arrival.filter(({ pattern }) => patternMatches(pattern, { ins, p1, p2 }));
      this.#arrival = this.#arrival.filter((one) => !hit.includes(one));
      for (const { go } of hit) go();
    };
    card.onLogged = (entry) => {
      const hit = this.#answer.filter(({ pattern }) => patternMatches(pattern, entry));
      this.#answer = this.#answer.filter((one) => !hit.includes(one));
      for (const { go } of hit) go(entry);
    };
  }

  arrival(pattern: CommandPattern): Promise<undefined> {
    return new Promise((resolve) => {
      this.#arrival.push({
        pattern,
        go: () => {
          resolve(undefined);
        },
      });
    });
  }

  answer(pattern: CommandPattern): Promise<LogEntry> {
    return new Promise((go) => this.#answer.push({ pattern, go }));
  }
}

function stateOf(card: SoftwareCard, wire: VpcdConnection): CardState {
  const { applet, log } = card;
  return {
    port: wire.port,
    inserted: wire.inserted,
    powered: wire.powered,
    selected: applet.selected,
    pinVerified: applet.pins.verified,
    triesLeft: applet.pins.application.tries,
    pukTriesLeft: applet.pins.puk.tries,
    extended: card.transport.extended,
    delayMs: card.delayMs,
    atr: card.atr().toString('hex').toUpperCase(),
    slots: applet.keys.slots().map(hexByte),
    objects: applet.objects.tags(),
    faults: card.faults.armed(),
    apdus: log.entries().length,
    verifyCount: log.verifyCount(),
  };
}

/** @throws Error where the slot has no certificate object */
function tagOf(slot: string): string {
  const tag = certificateTag(Number.parseInt(slot, 16));
  if (tag === null) throw new Error(`slot ${slot} has no certificate`);
  return tag;
}

function makeHandlers(card: SoftwareCard, wire: VpcdConnection): Handlers {
  const waiters = new CommandWaiters(card);
  const { applet, faults, log } = card;
  return {
    log: () => log.entries(),
    clearLog: () => {
      log.clear();
    },
    verifyCount: () => log.verifyCount(),
    state: () => stateOf(card, wire),
    insert: async () => {
      await wire.insert();
    },
    nextPowerOn: async () => {
      await wire.nextPowerOn();
    },
    eject: () => {
      wire.eject();
    },
    setDelay: ({ ms }) => {
      card.delayMs = ms;
    },
    setTries: ({ tries }) => {
      applet.pins.application.tries = tries;
    },
    setExtended: ({ extended }) => {
      card.transport.extended = extended;
    },
    setPin: ({ pin }) => {
      applet.pins.application.set(pinBlock(pin));
    },
    misbehave: (fault) => {
      faults.arm(fault);
    },
    clearFaults: () => {
      faults.clear();
    },
    release: () => card.release(),
    waitFor: (pattern) => waiters.arrival(pattern),
    waitForAnswer: (pattern) => waiters.answer(pattern),
    ...objectHandlers(card),
  };
}

/** The calls that change what is stored on the card. */
function objectHandlers({
  applet,
}: SoftwareCard): Pick<
  Handlers,
  'setCertificate' | 'setKey' | 'getCertificate' | 'putObject' | 'putGzipBomb'
> {
  return {
    setCertificate: ({ slot, pem, gzip }) => {
      applet.objects.setCertificate(Number.parseInt(slot, 16), new X509Certificate(pem).raw, gzip);
    },
    setKey: ({ slot, key }) => {
      const number = Number.parseInt(slot, 16);
      applet.keys.set(number, readKey(key, number), 'imported');
    },
    getCertificate: ({ slot }) => {
      const data = applet.objects.getData(tlv(0x5c, Buffer.from(tagOf(slot), 'hex')), true).data;
      const inner = parseTlvs(findTlv(parseTlvs(data) ?? [], 0x53) ?? Buffer.alloc(0)) ?? [];
      const stored = findTlv(inner, 0x70) ?? Buffer.alloc(0);
      return toPem(findTlv(inner, 0x71)?.[0] === 1 ? gunzipSync(stored) : stored);
    },
    putObject: ({ tag, hex, whole }) => {
      const bytes = Buffer.from(hex, 'hex');
      if (bytes.length === 0) applet.objects.delete(tag);
      else if (whole === true) applet.objects.setWhole(tag, bytes);
      else applet.objects.set(tag, bytes);
    },
    putGzipBomb: ({ slot, inflatedBytes }) => {
      const bomb = gzipSync(Buffer.alloc(inflatedBytes), { level: 9 });
      applet.objects.set(tagOf(slot), certificateObject(bomb, true));
    },
  };
}

async function answerLine(handlers: Handlers, socket: Socket, line: string): Promise<void> {
  let id: unknown = null;
  let answer: object;
  try {
    const request = JSON.parse(line) as { id: unknown; call: string; args?: unknown };
    id = request.id;
    if (!Object.hasOwn(handlers, request.call)) throw new Error(`no such call: ${request.call}`);
    const handler = handlers[request.call as CallName] as (args: unknown) => unknown;
    answer = { id, result: await handler(request.args ?? {}) };
  } catch (error) {
    answer = { id, error: error instanceof Error ? error.message : String(error) };
  }
  if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
}

/** Listens at a path (a stale socket there is removed). */
export function serveControl(path: string, card: SoftwareCard, wire: VpcdConnection): Promise<Server> {
  const handlers = makeHandlers(card, wire);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => void answerLine(handlers, socket, line));
  });
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      chmodSync(path, 0o666);
      resolve(server);
    });
  });
}
