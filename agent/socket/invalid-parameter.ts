// A call with a parameter that cannot be meant: its name goes back to the caller (PROTOCOL.md, 2).

/** org.varlink.service.InvalidParameter, with the parameter's name. */
export class InvalidParameter extends Error {
  readonly parameter: string;

  constructor(parameter: string) {
    super(`invalid parameter: ${parameter}`);
    this.name = 'InvalidParameter';
    this.parameter = parameter;
  }
}
