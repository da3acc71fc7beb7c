// The forms in which records go to other programs.

import { usage } from '../../../words/audit-log.ts';
import { CommandError } from '../../exit-codes.ts';
import { toCef } from './cef.ts';
import { CSV_HEAD, toCsv } from './csv.ts';
import { toEcs } from './ecs.ts';
import type { AuditRecord } from '../record.ts';

export interface Format {
  readonly head: string;
  /** @param line the record as it stands in the log */
  readonly line: (record: AuditRecord, line: Buffer) => string;
}

const FORMATS: Readonly<Record<string, Format>> = {
  ocsf: { head: '', line: (_record, line) => `${line.toString()}\n` },
  ecs: { head: '', line: (record) => `${toEcs(record)}\n` },
  cef: { head: '', line: (record) => `${toCef(record)}\n` },
  csv: { head: CSV_HEAD, line: toCsv },
};

/** @throws CommandError `usage` */
export function formatOf(name: string): Format {
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (format !== undefined) return format;
  throw new CommandError('usage', usage.oneOf('format', Object.keys(FORMATS)));
}
