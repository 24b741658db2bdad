// The vendors' Node SDKs, unmodified, through a running fairlead. Each test runs against endpoints of
// both wire formats: openai/* is served by an OpenAI-speaking fake, claude/* by an Anthropic-speaking one.
// FAIRLEAD_URL and FAIRLEAD_KEY say where fairlead is; go test ./test starts it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const url = process.env.FAIRLEAD_URL;
const key = process.env.FAIRLEAD_KEY;
assert.ok(url && key, 'FAIRLEAD_URL and FAIRLEAD_KEY must be set');

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });

// A 1x1 PNG.
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const weather = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
};

for (const family of ['openai', 'claude']) {
  test(`openai sdk, ${family}: chat`, async () => {
    const answer = await openai.chat.completions.create({
      model: `${family}/echo`,
      max_tokens: 100,
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'one two three' },
      ],
    });
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.choices[0].message.role, 'assistant');
    assert.match(answer.choices[0].message.content, /one two three/);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.ok(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  test(`openai sdk, ${family}: stream with usage`, async () => {
    const stream = await openai.chat.completions.create({
      model: `${family}/echo`,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'alpha beta gamma delta' }],
    });
    let text = '';
    let role, finish, usage;
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      role ??= choice?.delta.role;
      text += choice?.delta.content ?? '';
      finish = choice?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(role, 'assistant');
    assert.match(text, /alpha beta gamma delta/);
    assert.equal(finish, 'stop');
    assert.ok(usage.completion_tokens > 0 && usage.prompt_tokens > 0);
  });

  test(`openai sdk, ${family}: no usage chunk where none was asked for`, async () => {
    const stream = await openai.chat.completions.create({
      model: `${family}/echo`, stream: true, messages: [{ role: 'user', content: 'hi' }],
    });
    for await (const chunk of stream) {
      assert.ok(!chunk.usage, 'a usage chunk came unasked');
      assert.equal(chunk.choices.length, 1);
    }
  });

  test(`openai sdk, ${family}: parallel tools, whole and streamed, there and back`, async () => {
    const tools = [
      { type: 'function', function: { name: 'weather', parameters: weather } },
      { type: 'function', function: { name: 'time', parameters: weather } },
    ];
    const messages = [{ role: 'user', content: 'weather and time in Oslo?' }];
    const whole = await openai.chat.completions.create({ model: `${family}/helper:tools=2`, messages, tools });
    assert.equal(whole.choices[0].finish_reason, 'tool_calls');
    assert.equal(whole.choices[0].message.tool_calls.length, 2);

    const runner = openai.chat.completions.stream({ model: `${family}/helper:tools=2`, messages, tools });
    const streamed = await runner.finalMessage();
    assert.equal(streamed.tool_calls.length, 2);
    assert.notEqual(streamed.tool_calls[0].id, streamed.tool_calls[1].id);
    for (const call of streamed.tool_calls) {
      assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
    }

    const after = await openai.chat.completions.create({
      model: `${family}/helper:tools=2`,
      tools,
      messages: [
        ...messages,
        { role: 'assistant', content: null, tool_calls: streamed.tool_calls },
        { role: 'tool', tool_call_id: streamed.tool_calls[0].id, content: 'four degrees' },
        { role: 'tool', tool_call_id: streamed.tool_calls[1].id, content: 'half past nine' },
      ],
    });
    assert.equal(after.choices[0].finish_reason, 'stop');
    assert.match(after.choices[0].message.content, /four degrees/);
    assert.match(after.choices[0].message.content, /half past nine/);
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
    assert.match(answer.choices[0].message.content, /image\/png/);
  });

  test(`openai sdk, ${family}: abort cancels`, async () => {
    const stream = await openai.chat.completions.create({
      model: `${family}/slow:tokens=10000,pace=10ms`, stream: true, messages: [{ role: 'user', content: 'go on' }],
    });
    let chunks = 0;
    for await (const chunk of stream) {
      assert.ok(chunk);
      if (++chunks === 3) break;
    }
    assert.equal(chunks, 3);
  });

  test(`openai sdk, ${family}: a broken stream is an error`, async () => {
    await assert.rejects(async () => {
      const stream = await openai.chat.completions.create({
        model: `${family}/cut:at=3,fail=truncate,tokens=50`, stream: true, messages: [{ role: 'user', content: 'go on' }],
      });
      for await (const chunk of stream) assert.ok(chunk);
    });
  });

  test(`anthropic sdk, ${family}: message`, async () => {
    const answer = await anthropic.messages.create({
      model: `${family}/echo`, max_tokens: 100, system: 'Be brief', messages: [{ role: 'user', content: 'one two three' }],
    });
    assert.equal(answer.type, 'message');
    assert.equal(answer.role, 'assistant');
    assert.match(answer.content[0].text, /one two three/);
    assert.equal(answer.stop_reason, 'end_turn');
    assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
  });

  test(`anthropic sdk, ${family}: stream`, async () => {
    const stream = anthropic.messages.stream({
      model: `${family}/echo`, max_tokens: 100, messages: [{ role: 'user', content: 'alpha beta gamma' }],
    });
    const events = [];
    stream.on('streamEvent', (event) => events.push(event.type));
    const message = await stream.finalMessage();
    assert.match(message.content[0].text, /alpha beta gamma/);
    assert.equal(message.stop_reason, 'end_turn');
    assert.ok(message.usage.output_tokens > 0);
    assert.equal(events[0], 'message_start');
    assert.equal(events.at(-1), 'message_stop');
  });

  test(`anthropic sdk, ${family}: parallel tools, streamed, there and back`, async () => {
    const tools = [
      { name: 'weather', input_schema: weather },
      { name: 'time', input_schema: weather },
    ];
    const messages = [{ role: 'user', content: 'weather and time in Oslo?' }];
    const first = await anthropic.messages.stream({ model: `${family}/helper:tools=2`, max_tokens: 500, messages, tools }).finalMessage();
    assert.equal(first.stop_reason, 'tool_use');
    const calls = first.content.filter((block) => block.type === 'tool_use');
    assert.equal(calls.length, 2);
    for (const call of calls) assert.equal(typeof call.input.city, 'string');

    const after = await anthropic.messages.create({
      model: `${family}/helper:tools=2`,
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
    assert.match(after.content[0].text, /four degrees/);
    assert.match(after.content[0].text, /half past nine/);
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
    assert.match(answer.content[0].text, /image\/png/);
  });

  test(`anthropic sdk, ${family}: a broken stream is an error`, async () => {
    await assert.rejects(anthropic.messages.stream({
      model: `${family}/cut:at=3,fail=truncate,tokens=50`, max_tokens: 100, messages: [{ role: 'user', content: 'go on' }],
    }).finalMessage());
  });

  test(`errors, ${family}: each SDK sees its own classes`, async () => {
    const messages = [{ role: 'user', content: 'hi' }];
    await assert.rejects(openai.chat.completions.create({ model: `${family}/x:fail=bad_request`, messages }), OpenAI.BadRequestError);
    await assert.rejects(openai.chat.completions.create({ model: `${family}/x:fail=rate_limited`, messages }), OpenAI.RateLimitError);
    await assert.rejects(openai.chat.completions.create({ model: `${family}/x:fail=server_error`, messages }), OpenAI.InternalServerError);
    await assert.rejects(anthropic.messages.create({ model: `${family}/x:fail=bad_request`, max_tokens: 9, messages }), Anthropic.BadRequestError);
    await assert.rejects(anthropic.messages.create({ model: `${family}/x:fail=rate_limited`, max_tokens: 9, messages }), Anthropic.RateLimitError);
    await assert.rejects(anthropic.messages.create({ model: `${family}/x:fail=server_error`, max_tokens: 9, messages }), Anthropic.InternalServerError);
  });
}

test('openai sdk: embeddings', async () => {
  const answer = await openai.embeddings.create({ model: 'openai/embed', input: ['one', 'two'] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.length > 0);
  assert.equal(typeof answer.data[0].embedding[0], 'number');
});

test('openai sdk: models', async () => {
  const ids = [];
  for await (const model of openai.models.list()) ids.push(model.id);
  assert.ok(ids.includes('fast'));
  assert.equal((await openai.models.retrieve('fast')).id, 'fast');
});

test('anthropic sdk: count tokens', async () => {
  const answer = await anthropic.messages.countTokens({ model: 'claude/echo', messages: [{ role: 'user', content: 'one two three' }] });
  assert.ok(answer.input_tokens > 0);
});

test('errors: unknown model and unknown key', async () => {
  const messages = [{ role: 'user', content: 'hi' }];
  await assert.rejects(openai.chat.completions.create({ model: 'no/such', messages }), OpenAI.NotFoundError);
  await assert.rejects(anthropic.messages.create({ model: 'no/such', max_tokens: 9, messages }), Anthropic.NotFoundError);
  const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-fl-unknown', maxRetries: 0 });
  await assert.rejects(stranger.chat.completions.create({ model: 'openai/echo', messages }), OpenAI.AuthenticationError);
  const other = new Anthropic({ baseURL: url, apiKey: 'sk-fl-unknown', maxRetries: 0 });
  await assert.rejects(other.messages.create({ model: 'openai/echo', max_tokens: 9, messages }), Anthropic.AuthenticationError);
});
