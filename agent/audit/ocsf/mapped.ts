// What each mapping of an audit event fills in; record.ts puts the rest around it.

import { cut } from './objects.ts';

export interface Mapped {
  readonly class_uid: number;
  readonly activity_id: number;
  readonly activity_name: string;
  /** 1 informational, 2 low, 3 medium, 4 high. */
  readonly severity_id: number;
  readonly rest: Readonly<Record<string, unknown>>;
  readonly unmapped: Readonly<Record<string, unknown>>;
}

export const SUCCESS = { status_id: 1, status: 'Success' };
export const FAILURE = { status_id: 2, status: 'Failure' };

/** The reason, a code of a closed set; its words stand in `message`. */
export function because(code: string): { status_code: string; status_detail: string } {
  return { status_code: cut(code), status_detail: cut(code) };
}

/** A change of something that is no account: settings, drivers, the PIN of a card. */
export function entityOf(
  activity: readonly [number, string],
  entity: { readonly name: string; readonly type: string; readonly data?: unknown },
  more: { readonly severity?: number; readonly status?: object; readonly rest?: object },
): Mapped {
  const [activity_id, activity_name] = activity;
  return {
    class_uid: 3004,
    activity_id,
    activity_name,
    severity_id: more.severity ?? 1,
    rest: {
      ...(more.status ?? SUCCESS),
      ...more.rest,
      entity: { ...entity, name: cut(entity.name), type_id: 99 },
    },
    unmapped: {},
  };
}
