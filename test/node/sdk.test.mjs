// The vendors' Node SDKs, unmodified, through a running fairlead: chat, streams, tools, images.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic, endpoints, families, openai, png, weather } from './world.mjs';

for (const family of families) {
  test(`openai sdk, ${family}: chat`, async () => {
    const { data: answer, response } = await openai.chat.completions.create({
      model: `${family}/echo`,
      max_tokens: 100,
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'one two three' },
      ],
    }).withResponse();
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.model, 'echo');
    assert.ok(answer.created > 0);
    assert.equal(answer.choices.length, 1);
    assert.equal(answer.choices[0].message.role, 'assistant');
    assert.equal(answer.choices[0].message.content, 'one two three');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(answer.usage.prompt_tokens, 6);
    assert.equal(answer.usage.completion_tokens, 4);
    assert.equal(answer.usage.total_tokens, 10);
    assert.equal(response.headers.get('x-fairlead-endpoint'), endpoints[family]);
    assert.equal(response.headers.get('x-fairlead-attempts'), '1');
    assert.equal(Number(response.headers.get('x-fairlead-cost')), 0.000078);
    assert.match(response.headers.get('x-request-id'), /^req_/);
  });

  test(`openai sdk, ${family}: stream with usage`, async () => {
    const stream = await openai.chat.completions.create({
      model: `${family}/echo:cached=4`,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'alpha beta gamma delta' }],
    });
    const seen = [];
    let text = '';
    let finish, usage;
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      seen.push(choice?.delta.role ? 'role' : choice?.delta.content ? 'text' : choice?.finish_reason ? 'finish' : chunk.usage ? 'usage' : 'nothing');
      text += choice?.delta.content ?? '';
      finish = choice?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'alpha beta gamma delta');
    assert.equal(finish, 'stop');
    assert.deepEqual([usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens], [6, 6, 4]);
    assert.equal(seen.shift(), 'role');
    assert.deepEqual(seen.splice(-2), ['finish', 'usage']);
    assert.ok(seen.length > 1 && seen.every((kind) => kind === 'text'), `the chunks are ${seen}`);
  });

  test(`openai sdk, ${family}: no usage chunk where none was asked for`, async () => {
    const stream = await openai.chat.completions.create({
      model: `${family}/echo`, stream: true, messages: [{ role: 'user', content: 'hi' }],
    });
    let chunks = 0;
    for await (const chunk of stream) {
      assert.ok(!chunk.usage, 'a usage chunk came unasked');
      assert.equal(chunk.choices.length, 1);
      chunks++;
    }
    assert.ok(chunks >= 3);
  });

  test(`openai sdk, ${family}: why it stopped`, async () => {
    const messages = [{ role: 'user', content: 'one two three' }];
    const short = await openai.chat.completions.create({ model: `${family}/echo`, max_completion_tokens: 2, messages });
    assert.deepEqual([short.choices[0].finish_reason, short.choices[0].message.content], ['length', 'one two ']);
    const cut = await openai.chat.completions.create({ model: `${family}/echo`, stop: [' three'], messages });
    assert.deepEqual([cut.choices[0].finish_reason, cut.choices[0].message.content], ['stop', 'one two']);
  });

  test(`openai sdk, ${family}: parallel tools, whole and streamed, there and back`, async () => {
    const tools = ['weather', 'time'].map((name) => ({ type: 'function', function: { name, parameters: weather } }));
    const messages = [{ role: 'user', content: 'weather and time in Oslo?' }];
    const model = `${family}/helper:tools=2`;
    const whole = await openai.chat.completions.create({ model, messages, tools });
    assert.equal(whole.choices[0].finish_reason, 'tool_calls');
    const streamed = await openai.chat.completions.stream({ model, messages, tools }).finalMessage();
    for (const message of [whole.choices[0].message, streamed]) {
      const calls = message.tool_calls;
      assert.deepEqual(calls.map((call) => call.function.name), ['weather', 'time']);
      assert.deepEqual(calls.map((call) => JSON.parse(call.function.arguments)), [{ city: 'city 1' }, { city: 'city 2' }]);
      assert.notEqual(calls[0].id, calls[1].id);
      const after = await openai.chat.completions.create({
        model,
        tools,
        messages: [
          ...messages,
          { role: 'assistant', content: null, tool_calls: calls },
          { role: 'tool', tool_call_id: calls[0].id, content: 'four degrees' },
          { role: 'tool', tool_call_id: calls[1].id, content: 'half past nine' },
        ],
      });
      assert.equal(after.choices[0].finish_reason, 'stop');
      assert.equal(after.choices[0].message.content, `Tool results: [${calls[0].id}] four degrees [${calls[1].id}] half past nine`);
    }
  });

  test(`openai sdk, ${family}: structured output`, async () => {
    const answer = await openai.chat.completions.parse({
      model: `${family}/fake`,
      messages: [{ role: 'user', content: 'where' }],
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema: weather, strict: true } },
    });
    assert.deepEqual(JSON.parse(answer.choices[0].message.content), { city: 'city 1' });
  });

  test(`openai sdk, ${family}: image`, async () => {
    const answer = await openai.chat.completions.create({
      model: `${family}/echo`,
      messages: [{
        role: 'user',
        content: [
          { type: 'text', text: 'what is this' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
        ],
      }],
    });
    assert.equal(answer.choices[0].message.content, 'what is this [1 image: image/png]');
  });

  test(`anthropic sdk, ${family}: message`, async () => {
    const { data: answer, response } = await anthropic.messages.create({
      model: `${family}/echo`, max_tokens: 100, system: 'Be brief', messages: [{ role: 'user', content: 'one two three' }],
    }).withResponse();
    assert.equal(answer.type, 'message');
    assert.equal(answer.role, 'assistant');
    assert.deepEqual(answer.content.map((block) => [block.type, block.text]), [['text', 'one two three']]);
    assert.equal(answer.stop_reason, 'end_turn');
    assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [6, 4]);
    assert.equal(response.headers.get('x-fairlead-endpoint'), endpoints[family]);
    assert.equal(Number(response.headers.get('x-fairlead-cost')), 0.000078);
  });

  test(`anthropic sdk, ${family}: stream`, async () => {
    const stream = anthropic.messages.stream({
      model: `${family}/echo:cached=4`, max_tokens: 100, messages: [{ role: 'user', content: 'alpha beta gamma delta' }],
    });
    const events = [];
    stream.on('streamEvent', (event) => events.push(event.type));
    const message = await stream.finalMessage();
    assert.equal(message.content[0].text, 'alpha beta gamma delta');
    assert.equal(message.stop_reason, 'end_turn');
    assert.deepEqual([message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens], [2, 4, 6]);
    const once = events.filter((type, i) => type !== 'ping' && type !== events[i - 1]);
    assert.deepEqual(once, ['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop']);
  });

  test(`anthropic sdk, ${family}: why it stopped`, async () => {
    const messages = [{ role: 'user', content: 'one two three' }];
    const short = await anthropic.messages.create({ model: `${family}/echo`, max_tokens: 2, messages });
    assert.deepEqual([short.stop_reason, short.content[0].text], ['max_tokens', 'one two ']);
    const cut = await anthropic.messages.create({ model: `${family}/echo`, max_tokens: 99, stop_sequences: [' three'], messages });
    assert.equal(cut.content[0].text, 'one two');
    // OpenAI's wire does not tell a stop sequence from the end of a turn.
    assert.equal(cut.stop_reason, family === 'claude' ? 'stop_sequence' : 'end_turn');
  });

  test(`anthropic sdk, ${family}: parallel tools, streamed, there and back`, async () => {
    const tools = ['weather', 'time'].map((name) => ({ name, input_schema: weather }));
    const messages = [{ role: 'user', content: 'weather and time in Oslo?' }];
    const model = `${family}/helper:tools=2`;
    const first = await anthropic.messages.stream({ model, max_tokens: 500, messages, tools }).finalMessage();
    assert.equal(first.stop_reason, 'tool_use');
    const calls = first.content.filter((block) => block.type === 'tool_use');
    assert.deepEqual(calls.map((call) => [call.name, call.input]), [['weather', { city: 'city 1' }], ['time', { city: 'city 2' }]]);
    const after = await anthropic.messages.create({
      model,
      max_tokens: 500,
      tools,
      messages: [
        ...messages,
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: calls[0].id, content: 'four degrees' },
            { type: 'tool_result', tool_use_id: calls[1].id, content: 'half past nine' },
          ],
        },
      ],
    });
    assert.equal(after.stop_reason, 'end_turn');
    assert.equal(after.content[0].text, `Tool results: [${calls[0].id}] four degrees [${calls[1].id}] half past nine`);
  });

  test(`anthropic sdk, ${family}: image`, async () => {
    const answer = await anthropic.messages.create({
      model: `${family}/echo`,
      max_tokens: 100,
      messages: [{
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
          { type: 'text', text: 'what is this' },
        ],
      }],
    });
    assert.equal(answer.content[0].text, 'what is this [1 image: image/png]');
  });
}

test('openai sdk: the thinking of Anthropic comes and goes back', async () => {
  const tools = [{ type: 'function', function: { name: 'weather', parameters: weather } }];
  const ask = { model: 'claude/helper:tools=1', reasoning_effort: 'low', max_completion_tokens: 4000, tools };
  const messages = [{ role: 'user', content: 'weather?' }];
  const first = await openai.chat.completions.create({ ...ask, messages });
  const { message } = first.choices[0];
  assert.equal(message.reasoning_details[0].type, 'reasoning.text');
  assert.ok(message.reasoning_details[0].signature);
  const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'four degrees' };
  for (const turn of [message, { role: 'assistant', content: null, tool_calls: message.tool_calls }]) {
    const after = await openai.chat.completions.create({ ...ask, messages: [...messages, turn, result] });
    assert.match(after.choices[0].message.content, /four degrees/);
    // The model thinks on where it has its signed thinking back, and not at all where it was lost.
    assert.equal(Boolean(after.choices[0].message.reasoning_details), turn === message);
  }
});
