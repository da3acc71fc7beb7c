// Some of the cases of each-answer.ts: each way, and each command. `npm run soak` has all.
import { answerTests } from './each-answer.ts';

answerTests(5);
