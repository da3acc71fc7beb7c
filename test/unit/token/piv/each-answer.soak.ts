// Each way at each command (each-answer.ts).
import { answerTests } from './each-answer.ts';

answerTests(1);
