// How a record ends, as --outcome takes it: four of logins, two of all else.

export const OUTCOMES = ['granted', 'denied', 'unavailable', 'cancelled', 'success', 'failure'];
