// The vendors' Node SDKs when something goes wrong: errors, broken streams, callers who leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { anthropic, attempts, endpoints, families, forgetting, hi, key, openai, until, url } from './world.mjs';

const breaks = ['truncate', 'abort', 'reset', 'stall', 'error_frame', 'error_done', 'llama_error', 'no_finish', 'bad_json', 'finish_error'];

const classes = [
  ['bad_request', OpenAI.BadRequestError, Anthropic.BadRequestError],
  ['model_not_found', OpenAI.NotFoundError, Anthropic.NotFoundError],
  ['rate_limited', OpenAI.RateLimitError, Anthropic.RateLimitError],
  ['server_error', OpenAI.InternalServerError, Anthropic.InternalServerError],
  ['overloaded', OpenAI.InternalServerError, Anthropic.InternalServerError],
  ['invalid_key', OpenAI.InternalServerError, Anthropic.InternalServerError],
];

for (const family of families) {
  test(`errors, ${family}: each SDK sees its own classes`, async () => {
    for (const [fail, ours, theirs] of classes) {
      const model = `${family}/x:fail=${fail}`;
      await assert.rejects(openai.chat.completions.create({ model, messages: hi }), ours, fail);
      await assert.rejects(openai.chat.completions.create({ model, messages: hi, stream: true }), ours, fail);
      await assert.rejects(anthropic.messages.create({ model, max_tokens: 9, messages: hi }), theirs, fail);
      await assert.rejects(anthropic.messages.create({ model, max_tokens: 9, messages: hi, stream: true }), theirs, fail);
    }
  });

  test(`openai sdk, ${family}: a broken stream is an error`, async () => {
    for (const then of breaks) {
      let text = '';
      await assert.rejects(async () => {
        const stream = await openai.chat.completions.create({
          model: `${family}/cut:at=3,then=${then},tokens=50`, stream: true, messages: hi,
        });
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      }, (error) => error.code === 'stream_interrupted', then);
      assert.ok(text.length > 0, `${then}: nothing was delivered`);
    }
  });

  test(`anthropic sdk, ${family}: a broken stream is an error`, async () => {
    for (const then of breaks) {
      let text = '';
      const stream = anthropic.messages.stream({ model: `${family}/cut:at=3,then=${then},tokens=50`, max_tokens: 100, messages: hi });
      stream.on('text', (piece) => { text += piece; });
      await assert.rejects(stream.finalMessage(), /stream_interrupted/, then);
      assert.ok(text.length > 0, `${then}: nothing was delivered`);
    }
  });

  test(`openai sdk, ${family}: leaving a stream cancels it at the provider`, async () => {
    const model = `slow-openai-${family}:tokens=10000,pace=10ms`;
    const stream = await openai.chat.completions.create({ model: `${family}/${model}`, stream: true, messages: hi });
    let chunks = 0;
    for await (const chunk of stream) {
      assert.ok(chunk);
      if (++chunks === 3) break;
    }
    await until('the provider saw the caller leave', async () => {
      const seen = await attempts(family, model);
      assert.equal(seen.length, 1);
      return seen[0].client_left;
    });
  });

  test(`anthropic sdk, ${family}: leaving a stream cancels it at the provider`, async () => {
    const model = `slow-anthropic-${family}:tokens=10000,pace=10ms`;
    const stream = anthropic.messages.stream({ model: `${family}/${model}`, max_tokens: 20000, messages: hi });
    stream.on('text', () => stream.abort());
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    await until('the provider saw the caller leave', async () => (await attempts(family, model))[0].client_left);
  });
}

test('failover: the SDKs see the good answer alone', async () => {
  for (const [author, next] of [['ha', endpoints.claude], ['hc', endpoints.openai]]) {
    for (const fail of ['server_error', 'rate_limited', 'reset', 'html', 'error_first_frame']) {
      const model = `${author}/x:fail=${fail}`;
      const { data, response } = await openai.chat.completions.create({ model, messages: hi }).withResponse();
      assert.equal(data.choices[0].message.content, 'hi');
      assert.equal(response.headers.get('x-fairlead-endpoint'), next);
      assert.equal(response.headers.get('x-fairlead-attempts'), '2');
      const message = await anthropic.messages.stream({ model, max_tokens: 9, messages: hi }).finalMessage();
      assert.equal(message.content[0].text, 'hi');
    }
  }
});

test('errors: unknown model and unknown key', async () => {
  await assert.rejects(openai.chat.completions.create({ model: 'fastt', messages: hi }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.equal(error.param, 'model');
    assert.match(error.message, /near: fast/);
    return true;
  });
  await assert.rejects(anthropic.messages.create({ model: 'fastt', max_tokens: 9, messages: hi }), Anthropic.NotFoundError);
  const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-fl-unknown', maxRetries: 0 });
  await assert.rejects(stranger.chat.completions.create({ model: 'fast', messages: hi }), OpenAI.AuthenticationError);
  const other = new Anthropic({ baseURL: url, apiKey: 'sk-fl-unknown', maxRetries: 0 });
  await assert.rejects(other.messages.create({ model: 'fast', max_tokens: 9, messages: hi }), Anthropic.AuthenticationError);
  // A token shown as Anthropic's SDK shows one, in Authorization, is a key like any other.
  const bearer = new Anthropic({ baseURL: url, apiKey: null, authToken: key, maxRetries: 0 });
  assert.equal((await bearer.messages.create({ model: 'fast', max_tokens: 9, messages: hi })).content[0].text, 'hi');
});

test('errors: a body too large', async () => {
  const large = [{ role: 'user', content: 'x'.repeat(1 << 20) }];
  await assert.rejects(openai.chat.completions.create({ model: 'fast', messages: large }), (error) => error.status === 413 && error.code === 'body_too_large');
  await assert.rejects(anthropic.messages.create({ model: 'fast', max_tokens: 9, messages: large }), (error) => error.status === 413);
});

test('errors: the SDKs, which retry by default, repeat what only one endpoint was tried for, and nothing else', async () => {
  const patient = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, fetch: forgetting });
  const other = new Anthropic({ baseURL: url, apiKey: key, fetch: forgetting });
  const alone = 'alone:fail=server_error';
  await assert.rejects(patient.chat.completions.create({ model: `openai/${alone}`, messages: hi }), OpenAI.InternalServerError);
  await assert.rejects(other.messages.create({ model: `openai/${alone}`, max_tokens: 9, messages: hi }), Anthropic.InternalServerError);
  assert.equal((await attempts('openai', alone)).length, 6);
  const wrong = 'wrong:fail=bad_request';
  await assert.rejects(patient.chat.completions.create({ model: `openai/${wrong}`, messages: hi }), OpenAI.BadRequestError);
  await assert.rejects(other.messages.create({ model: `openai/${wrong}`, max_tokens: 9, messages: hi }), Anthropic.BadRequestError);
  assert.equal((await attempts('openai', wrong)).length, 2);
});
