import assert from 'node:assert/strict';
import { Questions } from '../../src/hub/clients/questions.ts';
import type { Notification, Request, RequestId } from '../../src/protocol/message.ts';

const question = (id: RequestId): Request => ({ jsonrpc: '2.0', id, method: 'elicitation/create' });
const answer = (id: RequestId) => ({ jsonrpc: '2.0', id, result: { action: 'accept' } }) as const;
const cancelled = (requestId: RequestId): Notification => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId, reason: 'The session is gone.' },
});

describe('questions of the server', () => {
  it('keep their ids, and so do their answers', () => {
    const questions = new Questions();
    const asked = question(0);
    assert.equal(questions.ask(asked), asked);
    const given = answer(0);
    assert.equal(questions.answer(given), given);
  });

  it('may use an id again once it was answered', () => {
    const questions = new Questions();
    questions.ask(question(0));
    questions.answer(answer(0));
    assert.equal(questions.ask(question(0)).id, 0);
  });

  it('are answered once', () => {
    const questions = new Questions();
    questions.ask(question('a'));
    assert.ok(questions.answer(answer('a')));
    assert.equal(questions.answer(answer('a')), undefined);
  });

  it('get no answer that was given to the question of a server before the restart', () => {
    const questions = new Questions();
    questions.ask(question(0));
    questions.withdraw(cancelled(0));
    const second = questions.ask(question(0));
    assert.notEqual(second.id, 0);
    assert.equal(questions.answer(answer(0)), undefined);
    assert.deepEqual(questions.answer(answer(second.id)), answer(0));
  });

  it('tell a number from the same digits as a text', () => {
    const questions = new Questions();
    questions.ask(question(1));
    assert.equal(questions.ask(question('1')).id, '1');
    assert.deepEqual(questions.answer(answer('1')), answer('1'));
    assert.deepEqual(questions.answer(answer(1)), answer(1));
  });

  it('are answered and withdrawn by the text of a number too (issue 12, §4)', () => {
    const questions = new Questions();
    questions.ask(question(1));
    questions.ask(question(2));
    assert.deepEqual(questions.answer(answer('1')), answer(1));
    assert.equal(questions.withdraw(cancelled('2')).params?.requestId, 2);
    assert.equal(questions.answer(answer(2)), undefined);
  });

  it('are withdrawn under the id that the client knows', () => {
    const questions = new Questions();
    questions.ask(question(0));
    const first = cancelled(0);
    assert.equal(questions.withdraw(first), first);
    const { id } = questions.ask(question(0));
    assert.equal(questions.withdraw(cancelled(0)).params?.requestId, id);
    assert.equal(questions.answer(answer(id)), undefined);
  });

  it('leave every other notification as it is', () => {
    const questions = new Questions();
    questions.ask(question(0));
    const progress: Notification = {
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { requestId: 0 },
    };
    assert.equal(questions.withdraw(progress), progress);
    assert.ok(questions.answer(answer(0)));
  });

  it('are forgotten, the oldest first, beyond a thousand', () => {
    const questions = new Questions();
    for (let id = 0; id <= 1000; id++) questions.ask(question(id));
    assert.equal(questions.answer(answer(0)), undefined);
    assert.ok(questions.answer(answer(1)));
    assert.ok(questions.answer(answer(1000)));
  });
});
