// The vendors' Node SDKs beyond chat: embeddings, moderations, responses, completions, counts, models.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic, openai } from './world.mjs';

test('openai sdk: embeddings, in the base64 that the SDK asks for by itself', async () => {
  const input = ['one', 'two'];
  const packed = await openai.embeddings.create({ model: 'openai/embed', input, dimensions: 8 });
  assert.equal(packed.data.length, 2);
  assert.equal(packed.data[0].embedding.length, 8);
  const plain = await openai.embeddings.create({ model: 'openai/embed', input, dimensions: 8, encoding_format: 'float' });
  for (const i of [0, 1]) {
    assert.deepEqual(Array.from(packed.data[i].embedding, Math.fround), plain.data[i].embedding.map(Math.fround));
  }
});

test('openai sdk: moderations', async () => {
  const answer = await openai.moderations.create({ model: 'openai/moderate', input: ['fine', 'flagme'] });
  assert.deepEqual(answer.results.map((result) => result.flagged), [false, true]);
});

test('openai sdk: responses, whole and streamed', async () => {
  const whole = await openai.responses.create({ model: 'openai/echo', input: 'hello there' });
  assert.equal(whole.output_text, 'hello there');
  assert.equal(whole.status, 'completed');
  const events = [];
  let text = '';
  for await (const event of await openai.responses.create({ model: 'openai/echo', input: 'hello there', stream: true })) {
    assert.equal(event.sequence_number, events.length);
    events.push(event.type);
    if (event.type === 'response.output_text.delta') text += event.delta;
  }
  assert.equal(text, 'hello there');
  assert.equal(events[0], 'response.created');
  assert.equal(events.at(-1), 'response.completed');
});

test('openai sdk: text completions', async () => {
  const ask = { model: 'openai/fake:tokens=5', prompt: 'once upon a time' };
  const whole = await openai.completions.create(ask);
  let text = '';
  for await (const chunk of await openai.completions.create({ ...ask, stream: true })) text += chunk.choices[0]?.text ?? '';
  assert.ok(text.length > 0);
  assert.equal(text, whole.choices[0].text);
});

test('anthropic sdk: count tokens', async () => {
  const answer = await anthropic.messages.countTokens({ model: 'claude/echo', messages: [{ role: 'user', content: 'one two three' }] });
  assert.equal(answer.input_tokens, 4);
});

test('both sdks: models', async () => {
  for (const client of [openai, anthropic]) {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.deepEqual(ids.filter((id) => !id.startsWith('cut/')).sort(), ['fast', 'openai/quick']);
    assert.equal((await client.models.retrieve('fast')).id, 'fast');
  }
});
