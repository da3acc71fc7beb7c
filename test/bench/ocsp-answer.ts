// A responder that has one answer, made beforehand by openssl ocsp, and writes a line for each request that it gets.
// Usage: node test/bench/ocsp-answer.ts PORT ANSWER REQUESTS
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port = '', answerFile = '', requestsFile = ''] = process.argv.slice(2);
const answer = readFileSync(answerFile);
const server = createServer((request, response) => {
  appendFileSync(requestsFile, `${request.method ?? ''} ${request.url ?? ''}\n`);
  request.resume();
  response.setHeader('content-type', 'application/ocsp-response');
  response.end(answer);
});
server.listen(Number(port), '127.0.0.1', () => {
  // It is there when the file is.
  writeFileSync(requestsFile, '');
});
