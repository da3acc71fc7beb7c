// What this page uses of Cockpit's own script, ../base1/cockpit.js
// (https://cockpit-project.org/guide/latest/api-base1). It has no types of its own for pages outside of its tree.

interface CockpitChannel {
  send: (message: Uint8Array) => void;
  close: (problem?: string) => void;
  addEventListener(event: 'message', listener: (event: unknown, data: Uint8Array) => void): void;
  addEventListener(event: 'close', listener: (event: unknown, options: { problem?: string }) => void): void;
}

interface CockpitProcess extends PromiseLike<string> {
  stream: (listener: (text: string) => void) => CockpitProcess;
  close: (problem?: string) => void;
}

interface CockpitLocation {
  readonly path: readonly string[];
  readonly options: Readonly<Record<string, string>>;
  go: (path: readonly string[], options?: Readonly<Record<string, string>>) => void;
}

declare const cockpit: {
  channel: (options: Readonly<Record<string, unknown>>) => CockpitChannel;
  spawn: (argv: readonly string[], options: Readonly<Record<string, unknown>>) => CockpitProcess;
  readonly location: CockpitLocation;
  addEventListener: (event: 'locationchanged', listener: () => void) => void;
  /** Loads the page again when the person turns administrative access on or off. */
  permission: (options: { readonly admin: true }) => unknown;
  user: () => PromiseLike<{ readonly name: string }>;
};

/** Of the package that the page was built with (install/package/console.ts). */
declare const PAGE_VERSION: string;
