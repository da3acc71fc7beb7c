// What is text: settings, matching rules, lines of the audit log, what pinentry and the kernel say.

import { WEAK_BINDINGS } from '../../../agent/model/key/certificate-binding.ts';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseProcessUnit } from '../../../agent/base/process-unit.ts';
import { readRecord } from '../../../agent/cli/audit/record.ts';
import { readCsv } from '../../../agent/cli/pair/csv.ts';
import {
  chainName,
  MAX_LINE_BYTES,
  parseSealedLine,
  parseVerificationKey,
  sealLine,
  sealOf,
  timeOf,
} from '../../../agent/model/sealed-log/sealed-line.ts';
import { toOcsf } from '../../../agent/audit/ocsf/record.ts';
import { assuanLine, parseResponse, unescapeData } from '../../../agent/session/assuan.ts';
import { loadPolicy } from '../../../config/parse-settings.ts';
import { parseCertmapRule } from '../../../policy/certmap/parse.ts';
import { bindingOf, isWeak } from '../../../policy/certificate-binding.ts';
import { matchesRule } from '../../../policy/certmap/match.ts';
import { formatFields, isMappingFormat } from '../../../policy/mapping-format.ts';
import { settings as known } from '../../../policy/settings/settings.ts';
import { examples, granted, login } from '../../kit/audit/events.ts';
import type { Target } from '../engine.ts';
import { isSyntaxError, must, refusing } from './refusing.ts';

const folder = mkdtempSync(join(tmpdir(), 'scauth-fuzzed-settings-'));
mkdirSync(join(folder, 'scauth.d'));

/** The first half is the administrator's file, the second a drop-in. */
function settings(input: Buffer): void {
  const half = input.indexOf('\0');
  writeFileSync(join(folder, 'scauth.toml'), half < 0 ? input : input.subarray(0, half));
  writeFileSync(join(folder, 'scauth.d/10.toml'), half < 0 ? '' : input.subarray(half + 1));
  const policy = refusing(() => loadPolicy(folder));
  must(
    policy === undefined || policy.login.services.length > 0 || input.includes('services'),
    'settings from nothing',
  );
}

const FIELDS = {
  subject: [{ type: 'CN', value: 'Ada' }],
  issuer: [{ type: 'O', value: 'Org' }],
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
  altNames: [{ kind: 'rfc822Name', value: 'ada@example.org' }],
  serialNumber: '01',
  subjectKeyId: null,
  ...{ sid: null, sha1: [] },
} as const;

function certmap(input: Buffer): void {
  // An administrator's pattern may be slow on long texts; here it meets short ones.
  const text = input.subarray(0, 200).toString('latin1');
  const rule = refusing(() => parseCertmapRule(text), isSyntaxError);
  if (rule !== undefined) {
    must(rule.parts.length > 0, 'a rule without a part fits everybody');
    matchesRule(rule, FIELDS);
  }
  const formatted = formatFields(text, ['a', null, '$2', '']);
  must(formatted === null || isMappingFormat(text), 'a format without a field gives everybody one account');
}

/** One value of the directory's, and a certificate that it may name: nothing but its own numbers is strong. */
function binding(input: Buffer): void {
  const text = input.subarray(0, 400).toString('latin1');
  const fields = {
    ...FIELDS,
    ...{ serialNumber: text.length % 2 === 0 ? '00F001' : 'F001', subjectKeyId: 'AB12', sha1: ['CD34'] },
    sid: text.startsWith('S-1-') ? text : null,
    altNames: [...FIELDS.altNames, { kind: 'ntPrincipalName', value: 'ada@EXAMPLE.ORG' } as const],
  };
  const sids = text === '' ? [] : ['S-1-5-21-1-2-3-1105'];
  const user = { name: 'ada', uid: 1000, sids, securityIdentities: [text], principalNames: [text] };
  const strong = bindingOf(fields, user, []);
  const isNamed = /01f0|ab12|cd34|^S-1-5-21-1-2-3-1105$/i.test(text);
  must(strong === null || (isNamed && !isWeak(strong)), 'a text that names nothing of a certificate ties it');
  bindingOf(fields, user, WEAK_BINDINGS);
}

function auditLine(input: Buffer): void {
  const line = parseSealedLine(input);
  must(
    line === null || (line.signed.length < input.length && line.seal.length === 43),
    'a seal that is not there',
  );
  must(line === null || timeOf(input) === line.timeMs, 'two times');
  if (line !== null && line.signed.length < MAX_LINE_BYTES)
    must(
      line.seal !== sealOf(KEY, line.signed) || LINES.some((own) => own.equals(input)),
      'a changed line is sealed',
    );
  const record = readRecord(input);
  must(record === null || Number.isFinite(record.timeMs), 'a record without a time');
  const key = parseVerificationKey(input.toString('latin1'));
  must(key === null || key.length === 32, 'a key of another length');
}
const KEY = Buffer.alloc(32, 7);
const position = { sequence: 3, key: KEY, prev: chainName(Buffer.alloc(32, 6)) };
const LINES = [granted, login({ kind: 'denied', reason: 'wrong-pin' })].map((event) =>
  sealLine(toOcsf(event, 1_700_000_000_000), position).line.subarray(0, -1),
);

function assuan(input: Buffer): void {
  refusing(() => parseResponse(input));
  const into = Buffer.alloc(64);
  const length = unescapeData(input, into, 0);
  must(length === null || length <= into.length, 'more than there is room for');
  const line = assuanLine('SETDESC', input.toString('latin1'));
  must(line.indexOf('\n') === line.length - 1, 'a line break in a line');
}

function unit(input: Buffer): void {
  const { kind } = parseProcessUnit(input.toString('latin1'));
  must(
    kind !== 'session' || input.includes('session') || input.includes('elogind'),
    'a session from nothing',
  );
}

function csv(input: Buffer): void {
  for (const row of readCsv(input)) must(typeof row === 'object', 'a row');
}

const someSettings = Object.entries(known)
  .map(
    ([table, keys]) =>
      `[${table}]\n${Object.keys(keys)
        .map((key) => `#${key} = 1\n`)
        .join('')}`,
  )
  .join('');

export const text: readonly Target[] = [
  {
    name: 'settings',
    files: [
      ['config/parse-settings.ts', 'isSet', 'dropIns'],
      ['config/contradictions.ts'],
      ['config/nearest-word.ts'],
    ],
    seeds: [
      Buffer.from(someSettings),
      Buffer.from('[login]\nservices = ["sudo"]\ntry_reserve = 2\n\0[enforcement]\nremote = true\n'),
      Buffer.from('login.try_reserve = 1\n'),
      ...[
        `#${'x'.repeat(300_000)}`,
        'a = "\xff"',
        '[login]\nservise = ["sudo"]',
        '[logim]\nx = 1',
        'login.zzzzzzzz = 1',
        'login = 1',
        '[login\n',
        '[attestation]\nrequired = true',
        '[attestation]\nrequired = true\nroots = ["/a"]\n[piv]\nisolate = true',
        '[attestation]\nrequired = true\nroots = ["/a"]\n[mapping]\nattribute = "name"',
        '[trust]\nlevel = 1',
        '[trust]\nlevel = 2\nauthorities = ["/a"]\nocsp = false\ncrl_download = false',
        '[mapping]\nattribute = "name"',
        '[mapping]\nattribute = "name"\n[trust]\nlevel = 1\nauthorities = ["/a"]\npinned = ["' +
          'A'.repeat(64) +
          '"]',
        '[mapping]\nfields = ["email"]\nformat = "$2"',
        '[login]\nservices = ["sudo"]\n[enforcement]\nservices = ["su"]',
      ].map((line) => Buffer.from(`${line}\n`, 'latin1')),
    ],
    run: settings,
  },
  {
    name: 'binding',
    files: [['policy/certificate-binding.ts']],
    seeds: [
      'X509:<I>O=Org<SR>01f0',
      'X509:<I>O=Org<S>CN=Ada',
      'X509:<SKI>ab12',
      'X509:<SHA1-PUKEY>cd34',
      'X509:<S>CN=Ada',
      'X509:<RFC822>ada@example.org',
      'X509:<I>O="O, ""r"""<SR>00',
      'ada@example.org',
      'S-1-5-21-1-2-3-1105',
    ].map((line) => Buffer.from(line)),
    run: binding,
  },
  {
    name: 'certmap',
    files: [
      ['policy/certmap/parse.ts'],
      ['policy/certmap/regex.ts'],
      ['policy/certmap/match.ts'],
      ['policy/mapping-format.ts'],
    ],
    seeds: [
      'KRB5:||<SUBJECT>^CN=[[:alpha:]]+$<ISSUER>O=Org\\.x(a|b){1,2}',
      '<KU>digitalSignature,nonRepudiation<EKU>clientAuth,1.3.6.1.5.5.7.3.4',
      '&&<SAN:rfc822Name>.*@example\\.org<SAN>x',
      '<SUBJECT>[^]a-z\\]<SAN:dNSName>(?a)\\1',
      'user $1 of $3$$',
      '[[.a.]]<ISSUER>\\w[[:nope:]]',
    ].map((line) => Buffer.from(line)),
    run: certmap,
  },
  {
    name: 'audit-line',
    files: [
      ['agent/model/sealed-log/sealed-line.ts', 'sealLine', 'stepKey', 'chainName'],
      ['agent/cli/audit/record.ts'],
    ],
    seeds: [
      ...LINES,
      Buffer.from(KEY.toString('base64url')),
      Buffer.from('{"time":1}'),
      Buffer.from('{"time":1e30}'),
      ...examples.map(({ event }) => sealLine(toOcsf(event, 0), position).line.subarray(0, -1)),
    ],
    run: auditLine,
  },
  {
    name: 'assuan',
    files: [['agent/session/assuan.ts', 'plain', 'assuanLine']],
    seeds: [
      'OK Pleased to meet you',
      'D 12%2534%0A',
      'ERR 83886179 Operation cancelled <Pinentry>',
      'ERR 83886194 No',
      '# comment',
      'ERR 62 Timeout',
      'ERR 301 Too small',
      'ERR 83886195 Not confirmed',
      'S PINENTRY',
      'INQUIRE x',
    ].map((line) => Buffer.from(line)),
    run: assuan,
  },
  {
    name: 'process-unit',
    files: [['agent/base/process-unit.ts', 'processUnitOf']],
    seeds: [
      '0::/user.slice/user-1000.slice/session-2.scope\n',
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n',
      '1:name=systemd:/system.slice/polkit-agent-helper@3-17-4711_9-1000.service\n',
      '0::/system.slice/x@1-unknown.service (deleted)\n',
      '4:name=elogind:/c2\n0::/_a.slice\n',
    ].map((line) => Buffer.from(line)),
    run: unit,
  },
  {
    name: 'csv',
    files: [['agent/cli/pair/csv.ts']],
    seeds: [
      Buffer.from('user,hash,certificate\nada,0B1B,"a ""b"""\n'),
      Buffer.from('\ufeffuser;hash\r\nada;x\r\n'),
      Buffer.from(`ada,${'AB'.repeat(20)}\nada;x,y\n"ada" x\n"ada"\t"b"\n`),
      Buffer.alloc(200_000, 'a'),
      Buffer.from(`user,user,hash\nada,,\n\xff\n`, 'latin1'),
    ],
    run: csv,
  },
];

/** The folder of the settings. */
export function removeSettings(): void {
  rmSync(folder, { recursive: true, force: true });
}
