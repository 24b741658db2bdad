// Answers that were put together of two providers', read by the vendors' Node SDKs. test/sdk configures the
// models: the first endpoint of each breaks off after 40 of 60 tokens, the second goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic, hi, openai } from './world.mjs';

const seams = [
  ['cut/openai-openai', 'first', 'prefill'],
  ['cut/openai-claude', 'second', 'prefill'],
  ['cut/claude-openai', 'first', 'anchor'],
  ['cut/claude-claude', 'second', 'anchor'],
];

// Sixty tokens of a text that names itself in the first: none is lost or said twice.
const whole = (text, usage) => {
  assert.match(text, /^\[take [0-9a-f]{8}\]( [a-z]{3}){59}$/);
  assert.ok(usage.input > 0 && usage.output >= 30 && usage.output <= 120, JSON.stringify(usage));
};

for (const [model, to, method] of seams) {
  const mark = { continued: [{ endpoint: `${model}@${to}~next`, method }] };

  test(`openai sdk, ${model}: a continued stream is one answer`, async () => {
    const stream = openai.chat.completions.stream({ model, messages: hi, stream_options: { include_usage: true } });
    const ids = new Set();
    let ends = 0;
    let fairlead;
    for await (const chunk of stream) {
      ids.add(`${chunk.id} ${chunk.model} ${chunk.created}`);
      ends += chunk.choices[0]?.finish_reason ? 1 : 0;
      fairlead = chunk.fairlead ?? fairlead;
    }
    const answer = await stream.finalChatCompletion();
    assert.equal(ids.size, 1);
    assert.equal(ends, 1);
    assert.deepEqual(fairlead, mark);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    whole(answer.choices[0].message.content, { input: answer.usage.prompt_tokens, output: answer.usage.completion_tokens });
  });

  test(`anthropic sdk, ${model}: a continued stream is one answer`, async () => {
    const stream = anthropic.messages.stream({ model, max_tokens: 1000, messages: hi });
    let ends = 0;
    let fairlead;
    stream.on('streamEvent', (event) => {
      ends += event.type === 'message_stop' ? 1 : 0;
      fairlead = event.fairlead ?? fairlead;
    });
    const message = await stream.finalMessage();
    assert.equal(ends, 1);
    assert.deepEqual(fairlead, mark);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.content.length, 1);
    whole(message.content[0].text, { input: message.usage.input_tokens, output: message.usage.output_tokens });
  });
}
